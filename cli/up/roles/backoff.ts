/** A role that worked this long was healthy: its next failure counts as the first. */
const HEALTHY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** So many ends in a row are no accident. */
const LOOP_AFTER = 4;

export type Restart = {
  /** Ends in a row, this one included. */
  readonly failures: number;
  readonly pauseMs: number;
  readonly isLoop: boolean;
};

/** When to start a role again that ended by itself: at once, then after 100 ms, doubled each time, at most 5 s. */
export function planRestart(failuresBefore: number, readyForMs: number): Restart {
  const failures = readyForMs >= HEALTHY_MS ? 1 : failuresBefore + 1;
  const pauseMs = failures === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 2), LONGEST_PAUSE_MS);
  return { failures, pauseMs, isLoop: failures >= LOOP_AFTER };
}
