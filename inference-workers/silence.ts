/**
 * Watches for a model that says nothing: one timer per run, set again only at the first token and when it fires,
 * because tokens come by the thousand a second.
 */
export class Silence {
  readonly #gapMillis: number;
  readonly #onSilence: () => void;
  #last: number;
  #limit: number;
  #timer: NodeJS.Timeout;

  constructor(firstMillis: number, gapMillis: number, onSilence: () => void) {
    this.#gapMillis = gapMillis;
    this.#onSilence = onSilence;
    this.#last = performance.now();
    this.#limit = firstMillis;
    this.#timer = setTimeout(this.#check, firstMillis);
  }

  broken(): void {
    this.#last = performance.now();
    if (this.#limit === this.#gapMillis) return;
    this.#limit = this.#gapMillis;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#check, this.#gapMillis);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #check = (): void => {
    const left = this.#last + this.#limit - performance.now();
    if (left <= 0) this.#onSilence();
    else this.#timer = setTimeout(this.#check, left);
  };
}
