import { setTimeout as pause } from 'node:timers/promises';
import type { Urgency } from '../log.ts';

/** Records within a window (its length in milliseconds) from which on requests are paced: about one a millisecond. */
const BUSY_RECORDS = 15;
const WINDOW_MS = 20;
/** How far apart they are kept then: some records travel together. */
const GAP_MS = 3;
/** Records of one request that show that many wait for an end at once, and how far apart requests are kept then. */
const COMPANY = 3;
const END_GAP_MS = 10;
/** How long the first of some records that nobody waits for waits for the others. */
const LINGER_MS = 25;

/** When the requests of one connection go out. */
export interface Pace {
  /** Undefined if the next request may go now; else resolves when it may. */
  wait(now: number): Promise<void> | undefined;
  /** A request goes out with so many records. */
  note(now: number, records: number): void;
}

/**
 * Keeps requests of one connection apart once their records come thick and fast. A request costs the same whether it
 * carries one record or fifty, here and at the broker: under load some milliseconds' worth of records travels together.
 * Where a wait would bring no company there is none. What nobody waits for always waits.
 */
export function paceOf(urgency: Urgency): Pace {
  if (urgency === 'later') return { wait: () => pause(LINGER_MS), note: () => undefined };
  return urgency === 'soon' ? paceOfEnds() : paceOfFirsts();
}

function paceOfFirsts(): Pace {
  const half = WINDOW_MS / 2;
  let last = Number.NEGATIVE_INFINITY;
  /** Records of this half of the window, which began then, and of the half before it. */
  let [began, records, before] = [Number.NEGATIVE_INFINITY, 0, 0];
  return {
    wait(now) {
      const recent = now - began < half ? records + before : now - began < WINDOW_MS ? records : 0;
      const left = GAP_MS - (now - last);
      return recent < BUSY_RECORDS || left <= 0 ? undefined : pause(left);
    },
    note(now, count) {
      last = now;
      if (now - began >= half) {
        before = now - began < WINDOW_MS ? records : 0;
        [began, records] = [now, 0];
      }
      records += count;
    },
  };
}

function paceOfEnds(): Pace {
  let last = Number.NEGATIVE_INFINITY;
  let company = 0;
  return {
    wait(now) {
      const left = END_GAP_MS - (now - last);
      return company < COMPANY || left <= 0 ? undefined : pause(left);
    },
    note(now, records) {
      last = now;
      company = records;
    },
  };
}
