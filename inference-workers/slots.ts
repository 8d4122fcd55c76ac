import { FairQueue, type Claim } from './fair-queue.ts';

/** A slot that was given. */
export interface Slot {
  /** True once somebody of a higher tier waits for it: whoever can go on later gives it back. */
  isWanted(): boolean;
  release(): void;
}

type Waiter = { readonly alone: boolean; readonly admit: (slot: Slot) => void };
type Running = { readonly tier: number };

/**
 * The engine's slots. Requests wait in fair order; one that is suspected of crashing the engine runs alone: it waits until
 * every slot is free, and nothing else starts meanwhile.
 */
export class Slots {
  readonly #size: number;
  readonly #now: () => number;
  readonly #queue = new FairQueue<Waiter>();
  #running: readonly Running[] = [];
  #exclusive = false;
  /** Next in line, and waiting for every slot: under load it would wait for ever if others went before it. */
  #pinned: { readonly item: Waiter; readonly tier: number } | null = null;

  constructor(size: number, now = (): number => performance.now()) {
    this.#size = size;
    this.#now = now;
  }

  /** Resolves when a slot is ours. Throws the signal's reason when it aborts. */
  acquire(claim: Claim, signal: AbortSignal, alone = false): Promise<Slot> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        if (this.#pinned?.item === waiter) this.#pinned = null;
        this.#queue.remove(waiter);
        // An abort's reason is an Error by construction of whoever aborts.
        reject(signal.reason as Error);
        this.#admitNext();
      };
      const waiter: Waiter = {
        alone,
        admit(slot) {
          signal.removeEventListener('abort', abort);
          resolve(slot);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#queue.add(claim, waiter, this.#now());
      this.#admitNext();
    });
  }

  get active(): number {
    return this.#running.length;
  }

  get waiting(): number {
    return this.#queue.size + (this.#pinned === null ? 0 : 1);
  }

  #fits(alone: boolean): boolean {
    if (this.#exclusive) return false;
    return alone ? this.active === 0 : this.active < this.#size;
  }

  #admitNext(): void {
    while (this.#pinned !== null || this.active < this.#size) {
      const next = this.#pinned ?? this.#queue.take(this.#now());
      this.#pinned = next;
      if (next === null || !this.#fits(next.item.alone)) return;
      this.#pinned = null;
      next.item.admit(this.#give(next.item.alone, next.tier));
    }
  }

  #give(alone: boolean, tier: number): Slot {
    const running: Running = { tier };
    this.#running = [...this.#running, running];
    this.#exclusive = alone;
    return {
      isWanted: () => tier > 0 && this.#queue.size > 0 && this.#isWanted(running),
      release: () => {
        if (!this.#running.includes(running)) return;
        this.#running = this.#running.filter((other) => other !== running);
        if (alone) this.#exclusive = false;
        this.#admitNext();
      },
    };
  }

  /** As many give way as wait, those that began last first. */
  #isWanted(running: Running): boolean {
    const yielding = this.#running.filter(({ tier }) => tier >= running.tier).reverse();
    return yielding.indexOf(running) < this.#queue.before(running.tier);
  }
}
