import { hash } from 'node:crypto';
import type { LoggedEvent } from '../../streams/event.ts';
import type { SeenAnswer, Submission } from './chat-client.ts';

/** Everything that was recorded, read after the run. */
export type Recorded = {
  readonly conversations: readonly LoggedEvent[];
  readonly deltas: readonly LoggedEvent[];
  readonly turns: readonly LoggedEvent[];
};

type End = { readonly outcome: string; readonly text: string; readonly nextSeq: number };

const OUTCOMES: Readonly<Record<string, string>> = {
  InferenceCompleted: 'completed',
  InferenceFailed: 'failed',
  InferenceCancelled: 'cancelled',
};

/**
 * The small checker: holds what clients saw against what was recorded, with rules of its own, not the platform's
 * functions. Returns one sentence per violation; none means the promises P1, P2 and P3 held in this run.
 */
export function checkRecord(
  answers: Iterable<SeenAnswer>,
  submissions: ReadonlyMap<string, Submission>,
  recorded: Recorded,
): readonly string[] {
  const problems: string[] = [];
  const ends = effectiveEnds(recorded.conversations, problems);
  const measured = countDistinct(recorded.turns, 'TurnMeasured');
  for (const answer of answers) {
    if (answer.inferenceId === '') {
      if (submissions.get(answer.requestId) === 'accepted')
        problems.push(`${answer.requestId}: accepted without an id`);
      continue;
    }
    const name = `${answer.requestId} (${answer.inferenceId})`;
    const end = ends.get(answer.inferenceId);
    if (end === undefined) {
      problems.push(`P1 ${name}: accepted, but no effective terminal event is on the log`);
      continue;
    }
    if (answer.outcome === null) problems.push(`P1 ${name}: the client was never told the end`);
    if ((measured.get(answer.inferenceId) ?? 0) !== 1) {
      problems.push(`P1 ${name}: measured ${measured.get(answer.inferenceId) ?? 0} times`);
    }
    answer.seqs.forEach((seq, index) => {
      if (seq !== index) problems.push(`P3 ${name}: frame ${index} has seq ${seq}`);
    });
    if (answer.outcome !== null && answer.outcome !== end.outcome) {
      problems.push(
        `P3 ${name}: shown as ${answer.outcome} (${answer.code ?? 'no code'}), recorded as ${end.outcome}`,
      );
    }
    if (answer.outcome !== null && answer.outcome !== 'failed' && answer.text !== end.text) {
      problems.push(
        `P3 ${name}: shown ${answer.text.length} characters, recorded ${end.text.length}, not the same`,
      );
    }
  }
  return [...problems, ...endsTold(recorded, ends)];
}

/** First terminal event per inference with no higher attempt announced before it; any that is doubled is reported. */
function effectiveEnds(events: readonly LoggedEvent[], problems: string[]): ReadonlyMap<string, End> {
  const fences = new Map<string, number>();
  const ends = new Map<string, End>();
  for (const event of events) {
    if (!('inferenceId' in event.data)) continue;
    const { inferenceId } = event.data;
    if (event.type === 'AttemptStarted') {
      fences.set(inferenceId, Math.max(fences.get(inferenceId) ?? 0, event.data.attempt));
    }
    const outcome = OUTCOMES[event.type];
    if (outcome === undefined || !('textHash' in event.data) || !('content' in event.data)) continue;
    if (event.data.attempt < (fences.get(inferenceId) ?? 0) || ends.has(inferenceId)) continue;
    const text = event.data.content.text ?? '';
    if (hash('sha256', text, 'hex') !== event.data.textHash)
      problems.push(`${inferenceId}: the text hash is wrong`);
    const bytes = event.data.deltaBytes.reduce((sum, length) => sum + length, 0);
    if (bytes !== event.data.textBytes)
      problems.push(`${inferenceId}: the deltas' bytes are ${bytes} of ${event.data.textBytes}`);
    ends.set(inferenceId, { outcome, text, nextSeq: event.data.nextSeq });
  }
  return ends;
}

/** Every InferenceEnded must say what the effective end says. */
function endsTold(recorded: Recorded, ends: ReadonlyMap<string, End>): readonly string[] {
  return recorded.deltas.flatMap((event) => {
    if (event.type !== 'InferenceEnded' || event.data.outcome === 'rejected') return [];
    const end = ends.get(event.data.inferenceId);
    if (end === undefined) return [`${event.data.inferenceId}: told as ended, but nothing is recorded`];
    const right =
      end.outcome === event.data.outcome && hash('sha256', end.text, 'hex') === event.data.textHash;
    return right
      ? []
      : [`${event.data.inferenceId}: told ${event.data.outcome}, recorded ${end.outcome} or other text`];
  });
}

function countDistinct(events: readonly LoggedEvent[], type: string): ReadonlyMap<string, number> {
  const ids = new Map<string, Set<string>>();
  for (const event of events) {
    if (event.type !== type || !('inferenceId' in event.data) || !('eventId' in event.data)) continue;
    const known = ids.get(event.data.inferenceId) ?? new Set();
    ids.set(event.data.inferenceId, known.add(event.data.eventId));
  }
  return new Map([...ids].map(([inferenceId, known]) => [inferenceId, known.size]));
}
