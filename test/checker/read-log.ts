import type { LoggedEvent } from '../../streams/event.ts';

/**
 * The checker's own reading of the log, written from the protocol and not from the platform's code: what two programs
 * agree on, neither got wrong by a slip.
 */

export type RecordedEnd = {
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  readonly attempt: number;
  readonly claim: string;
  readonly text: string;
  readonly textHash: string;
  readonly firstSeq: number;
  readonly nextSeq: number;
  readonly deltaBytes: readonly number[];
  readonly partition: number;
  readonly offset: number;
};

const OUTCOMES = {
  InferenceCompleted: 'completed',
  InferenceFailed: 'failed',
  InferenceCancelled: 'cancelled',
} as const;

/** The effective end of each inference: the first terminal event with no fence of a higher attempt before it. */
export function endsOf(conversations: readonly LoggedEvent[]): ReadonlyMap<string, RecordedEnd> {
  const fences = new Map<string, number>();
  const ends = new Map<string, RecordedEnd>();
  for (const event of conversations) {
    if (event.type === 'AttemptStarted') {
      const { inferenceId, attempt } = event.data;
      fences.set(inferenceId, Math.max(fences.get(inferenceId) ?? 0, attempt));
    }
    if (
      event.type !== 'InferenceCompleted' &&
      event.type !== 'InferenceFailed' &&
      event.type !== 'InferenceCancelled'
    )
      continue;
    const { data, partition, offset } = event;
    if (ends.has(data.inferenceId) || data.attempt < (fences.get(data.inferenceId) ?? 0)) continue;
    ends.set(data.inferenceId, {
      outcome: OUTCOMES[event.type],
      attempt: data.attempt,
      claim: data.claim,
      text: data.content.text ?? '',
      textHash: data.textHash,
      firstSeq: data.firstSeq,
      nextSeq: data.nextSeq,
      deltaBytes: data.deltaBytes,
      partition,
      offset,
    });
  }
  return ends;
}

/** The answer as its reply partition tells it: pieces by number, and the text that stands. */
export type StreamedAnswer = {
  readonly pieces: ReadonlyMap<number, string>;
  readonly text: string;
  readonly nextSeq: number;
  /** Seq of a delta of the attempt in force that came before its time; null for none. */
  readonly gapAt: number | null;
};

type Streaming = {
  attempt: number;
  claim: string;
  nextSeq: number;
  text: string;
  pieces: Map<number, string>;
  ended: boolean;
  gapAt: number | null;
};

/** Attempts take over by a higher number, the first claim of a number wins, and numbers are dense across them. */
export function answersOf(deltas: readonly LoggedEvent[]): ReadonlyMap<string, StreamedAnswer> {
  const answers = new Map<string, Streaming>();
  for (const event of deltas) {
    if (!('inferenceId' in event.data)) continue;
    const { inferenceId } = event.data;
    const answer = answers.get(inferenceId) ?? {
      attempt: 0,
      claim: '',
      nextSeq: 0,
      text: '',
      pieces: new Map<number, string>(),
      ended: false,
      gapAt: null,
    };
    answers.set(inferenceId, answer);
    if (answer.ended) continue;
    if (event.type === 'AttemptStarted' && event.data.attempt > answer.attempt) {
      answer.attempt = event.data.attempt;
      answer.claim = event.data.claim;
    }
    if (event.type === 'InferenceEnded') answer.ended = true;
    if (event.type !== 'InferenceDelta') continue;
    const { claim, seq, reset } = event.data;
    const text = event.data.text.text ?? '';
    if (claim === answer.claim && seq > answer.nextSeq) answer.gapAt ??= seq;
    if (claim !== answer.claim || seq !== answer.nextSeq) continue;
    answer.nextSeq += 1;
    answer.text = reset ? '' : answer.text + text;
    answer.pieces.set(seq, text);
  }
  return answers;
}

/** The text that a client shows after its frames. */
export function shownText(frames: readonly { readonly type: string; readonly text: string }[]): string {
  let text = '';
  for (const frame of frames) {
    if (frame.type === 'reset') text = '';
    if (frame.type === 'delta') text += frame.text;
  }
  return text;
}
