/** A reader with more than this unsent is cut. */
const MAX_BUFFERED = 256 * 1024;
/** What a resume may have unsent at first: it gets at once what was said so far. */
const MAX_BUFFERED_AT_RESUME = 4 * 1024 * 1024;
const RESUME_GRACE_MS = 10_000;
/** Below this more may be written without a wait. */
export const LOW_WATER = 64 * 1024;

/** Says whether so many unsent bytes are too many; `resumedAt` is on the monotonic clock, null if nothing was resumed. */
export function isTooSlow(buffered: number, resumedAt: number | null, now: number): boolean {
  if (buffered <= MAX_BUFFERED) return false;
  const inGrace = resumedAt !== null && now - resumedAt < RESUME_GRACE_MS;
  return !inGrace || buffered > MAX_BUFFERED_AT_RESUME;
}
