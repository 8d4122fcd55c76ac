type Waiter = { readonly alone: boolean; readonly priority: number; readonly admit: () => void };

/**
 * The engine's slots. Requests wait by priority, then by arrival; one that is suspected of crashing the engine runs
 * alone: it waits until every slot is free, and nothing else starts meanwhile.
 */
export class Slots {
  readonly #size: number;
  #active = 0;
  #exclusive = false;
  #waiting: Waiter[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Resolves when a slot is ours. Lower priority numbers go first. Throws the signal's reason when it aborts. */
  acquire(priority: number, signal: AbortSignal, alone = false): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && this.#fits(alone)) {
      this.#admit(alone);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting = this.#waiting.filter((item) => item !== waiter);
        // An abort's reason is an Error by construction of whoever aborts.
        reject(signal.reason as Error);
        this.#admitNext();
      };
      const waiter: Waiter = {
        alone,
        priority,
        admit: () => {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      // Once one that runs alone is first in line, nobody goes before it: it would wait for ever under load.
      const before = this.#waiting.findIndex(
        (item, index) => item.priority > priority && !(index === 0 && item.alone),
      );
      if (before === -1) this.#waiting.push(waiter);
      else this.#waiting.splice(before, 0, waiter);
      this.#admitNext();
    });
  }

  release(alone = false): void {
    this.#active -= 1;
    if (alone) this.#exclusive = false;
    this.#admitNext();
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  #fits(alone: boolean): boolean {
    if (this.#exclusive) return false;
    return alone ? this.#active === 0 : this.#active < this.#size;
  }

  #admit(alone: boolean): void {
    this.#active += 1;
    this.#exclusive = alone;
  }

  #admitNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.alone); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#admit(next.alone);
      next.admit();
    }
  }
}
