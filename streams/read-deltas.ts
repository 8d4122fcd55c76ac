import type { EventOf, InferenceEnded } from '../schemas/generated/types.ts';

/** What appears on a reply partition. */
export type ReplyEvent = EventOf<
  'AttemptStarted' | 'InferenceDelta' | 'InferenceEnded' | 'InferenceAttached'
>;

/** What a reader of one inference knows so far. */
export type Reading = {
  /** Highest attempt accepted; 0 before the first. */
  readonly attempt: number;
  readonly claim: string;
  /** The seq it accepts next. */
  readonly nextSeq: number;
  /** Effective text so far. */
  readonly text: string;
  /** Seq of the first delta of the effective text: moves at a reset. */
  readonly firstSeq: number;
  readonly tokens: number;
  readonly ended: InferenceEnded | null;
};

/** What an event means to a reader. `ignored`: of a claim that lost, a repeat, out of order, or after the end. */
export type Verdict =
  | { readonly type: 'ignored' }
  | { readonly type: 'attempt' }
  | { readonly type: 'delta'; readonly seq: number; readonly text: string; readonly tokens: number }
  | { readonly type: 'reset'; readonly seq: number }
  | { readonly type: 'end'; readonly end: InferenceEnded };

export const startReading: Reading = {
  attempt: 0,
  claim: '',
  nextSeq: 0,
  text: '',
  firstSeq: 0,
  tokens: 0,
  ended: null,
};

const IGNORED: Verdict = { type: 'ignored' };
const ATTEMPT: Verdict = { type: 'attempt' };

/**
 * The one reading of a reply partition, for the events of one inference in log order: gateways, takers, replay and the
 * checker all use it. It accepts an attempt that is higher than the current one (the first claim of a number wins), a
 * delta of the current claim with the next seq, and nothing after the end.
 */
export function readDelta(reading: Reading, event: ReplyEvent): readonly [Reading, Verdict] {
  if (reading.ended !== null) return [reading, IGNORED];
  switch (event.type) {
    case 'AttemptStarted': {
      const { attempt, claim } = event.data;
      return attempt > reading.attempt ? [{ ...reading, attempt, claim }, ATTEMPT] : [reading, IGNORED];
    }
    case 'InferenceDelta': {
      const { claim, seq, reset, text, tokens } = event.data;
      if (claim !== reading.claim || seq !== reading.nextSeq) return [reading, IGNORED];
      const nextSeq = seq + 1;
      if (reset) {
        return [
          { ...reading, nextSeq, text: '', firstSeq: nextSeq, tokens: 0 },
          { type: 'reset', seq },
        ];
      }
      const piece = text.text ?? '';
      return [
        { ...reading, nextSeq, text: reading.text + piece, tokens: reading.tokens + tokens },
        { type: 'delta', seq, text: piece, tokens },
      ];
    }
    case 'InferenceEnded':
      return [
        { ...reading, ended: event.data },
        { type: 'end', end: event.data },
      ];
    case 'InferenceAttached':
      return [reading, IGNORED];
  }
}
