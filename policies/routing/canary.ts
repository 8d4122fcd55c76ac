import type { TurnMeasured } from '../../schemas/generated/types.ts';
import type { Canary } from './routes.ts';

/** The latest turns of a canary, oldest first. */
export type Tally = readonly { readonly failed: boolean; readonly firstTokenMs: number | null }[];

export const nothingYet: Tally = [];

/** Turns that are looked at, in units of the canary's `minTurns`: a long good time hides no bad one. */
const WINDOW = 5;

/** Counts a turn that was asked of the canary; one that nobody answered by fault of nobody says nothing of it. */
export function count(
  tally: Tally,
  { minTurns }: Canary,
  turn: Pick<TurnMeasured, 'outcome' | 'model' | 'answeredBy' | 'firstDeltaMillis'>,
): Tally {
  if (turn.outcome !== 'completed' && turn.outcome !== 'failed') return tally;
  const failed = turn.outcome === 'failed' || turn.answeredBy !== turn.model;
  const next = [...tally, { failed, firstTokenMs: failed ? null : turn.firstDeltaMillis }];
  return next.slice(-WINDOW * minTurns);
}

/**
 * Returns why a canary is to be taken back; null while it does well. Before `minTurns` it is judged as if all turns to
 * come were good: then it is taken back as soon as they could not save it.
 */
export function faultOf(tally: Tally, canary: Canary): string | null {
  const { model, maxErrorRate, maxFirstTokenMs, minTurns } = canary;
  const of = Math.max(tally.length, minTurns);
  const failed = tally.filter((turn) => turn.failed).length;
  if (failed > maxErrorRate * of)
    return `${failed} of ${tally.length} turns of ${model} failed, more than ${maxErrorRate} of ${of} may`;
  if (maxFirstTokenMs === null) return null;
  const slow = tally.filter(
    ({ firstTokenMs }) => firstTokenMs !== null && firstTokenMs > maxFirstTokenMs,
  ).length;
  if (slow * 2 <= of) return null;
  return `${slow} of ${tally.length} turns of ${model} had no token within ${maxFirstTokenMs} ms, more than half of ${of}`;
}
