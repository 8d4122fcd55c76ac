/**
 * Deadlines of open inferences as durations on a monotonic clock: they start anew when ownership moves, and a wrong
 * wall clock changes nothing.
 */
export class Deadlines {
  readonly #due = new Map<string, { readonly at: number; readonly millis: number }>();

  start(inferenceId: string, millis: number, now: number): void {
    this.#due.set(inferenceId, { at: now + millis, millis });
  }

  /** A taker opened another attempt: the time begins again. */
  restart(inferenceId: string, now: number): void {
    const found = this.#due.get(inferenceId);
    if (found !== undefined) this.start(inferenceId, found.millis, now);
  }

  clear(inferenceId: string): void {
    this.#due.delete(inferenceId);
  }

  /** Returns the inferences whose time is over, and starts theirs again, should ending them fail. */
  takeDue(now: number): readonly string[] {
    const due: string[] = [];
    for (const [inferenceId, { at, millis }] of this.#due) {
      if (at > now) continue;
      due.push(inferenceId);
      this.start(inferenceId, millis, now);
    }
    return due;
  }

  get size(): number {
    return this.#due.size;
  }
}
