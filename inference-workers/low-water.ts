/**
 * Which requests of one partition are done. The group's offset may only move to the first one that is not, however
 * late it was taken. Pure bookkeeping: offsets in, the next offset to commit out.
 */
export class LowWater {
  readonly #open = new Set<number>();
  #next: number;

  constructor(start: number) {
    this.#next = start;
  }

  /** A request was taken. Offsets come in rising order. */
  take(offset: number): void {
    this.#open.add(offset);
    this.#next = Math.max(this.#next, offset + 1);
  }

  /** Everything below was read, and what was not taken needs nothing more. */
  pass(next: number): void {
    this.#next = Math.max(this.#next, next);
  }

  done(offset: number): void {
    this.#open.delete(offset);
  }

  /** Offset to commit: everything below it is done. */
  get committable(): number {
    // Insertion order is offset order, so the first one open is the lowest.
    for (const offset of this.#open) return offset;
    return this.#next;
  }

  /** Requests taken and not done. */
  get open(): number {
    return this.#open.size;
  }
}
