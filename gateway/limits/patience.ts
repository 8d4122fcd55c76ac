import { createWaitingRoom } from '../../policies/admission/waiting-room.ts';
import { refuse } from '../problems.ts';

/** Refuses what would wait too long for its first token: its caller can ask elsewhere, or later. */
export interface Patience {
  /** Throws `overloaded` with the time to wait; a repeat of what was taken in before is not refused. */
  check(pool: string, tier: string, isRepeat: () => boolean): void;
  /** A message waits from now on, until it has a first token or is gone. */
  enter(pool: string, tier: string): { readonly begin: () => void; readonly leave: () => void };
  /** The longest of all estimates, in seconds: for the metric. */
  worstSeconds(): number;
}

/** Half of what a request is kept for. */
const BATCH_MS = 12 * 3_600_000;
/** Standard messages may wait so many times as long as interactive ones. */
const STANDARD = 10;
/** A queue is not judged by its estimate before the first in line waits for this share of what it may: workers that begin are slow at first. */
const JUDGED_FROM = 0.25;
const LONGEST_RETRY_MS = 60_000;

/** `mostMillis`: what an interactive message may be expected to wait. */
export function createPatience(mostMillis: number, now: () => number = () => performance.now()): Patience {
  const room = createWaitingRoom();
  return {
    check(pool, tier, isRepeat) {
      const most = tier === 'batch' ? BATCH_MS : tier === 'standard' ? mostMillis * STANDARD : mostMillis;
      const name = nameOf(pool, tier);
      const wait = room.estimate(name, now());
      if (wait <= most || room.longest(name, now()) < most * JUDGED_FROM || isRepeat()) return;
      const seconds = Math.round(wait / 1000);
      throw refuse('overloaded', `messages of this model wait about ${seconds} s for their first token`, {
        fix: 'try again when retry-after has passed, or name another model or tier',
        retryAfterMillis: Math.min(LONGEST_RETRY_MS, Math.max(1_000, Math.round(wait - most))),
      });
    },
    enter(pool, tier) {
      const waiting = room.enter(nameOf(pool, tier), now());
      return { begin: () => waiting.begin(now()), leave: () => waiting.leave() };
    },
    worstSeconds: () => room.worst(now()) / 1000,
  };
}

/** Pools are named in the catalogue, without a space. */
function nameOf(pool: string, tier: string): string {
  return `${pool} ${tier}`;
}
