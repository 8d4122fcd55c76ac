import { setTimeout as pause } from 'node:timers/promises';
/** Requests within the window from which on they are paced, and how far apart they are kept then. */
const BUSY_REQUESTS = 6;
const WINDOW_MS = 10;
const GAP_MS = 3;

/**
 * Keeps requests of one connection apart once they come thick and fast. A request costs the same whether it carries one
 * record or fifty, here and at the broker: under load a millisecond's worth of records travels together, while a lone
 * record never waits.
 */
export class Pace {
  readonly #sent: number[] = Array<number>(BUSY_REQUESTS).fill(Number.NEGATIVE_INFINITY);
  #next = 0;

  /** Undefined if the next request may go now; else resolves when it may. */
  wait(now: number): Promise<void> | undefined {
    const oldest = this.#sent[this.#next] ?? Number.NEGATIVE_INFINITY;
    if (now - oldest > WINDOW_MS) return undefined;
    return pause(GAP_MS);
  }

  /** A request goes out. */
  note(now: number): void {
    this.#sent[this.#next] = now;
    this.#next = (this.#next + 1) % BUSY_REQUESTS;
  }
}
