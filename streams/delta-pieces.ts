import type { ReplyEvent, Verdict } from './read-deltas.ts';

/** The deltas of a text: UTF-8 bytes of each, and milliseconds since the one before. */
export type Pieces = { readonly deltaBytes: readonly number[]; readonly deltaMillis: readonly number[] };

/** Cuts a text into its deltas; null if their bytes are not all of it. */
export function cutText(text: string, deltaBytes: readonly number[]): readonly string[] | null {
  const bytes = Buffer.from(text, 'utf8');
  const pieces: string[] = [];
  let at = 0;
  for (const length of deltaBytes) {
    pieces.push(bytes.toString('utf8', at, at + length));
    at += length;
  }
  return at === bytes.length ? pieces : null;
}

export const noPieces: Pieces = { deltaBytes: [], deltaMillis: [] };

/** An attempt that was replaced, its engine, the id of the model that ran, and the tokens of the deltas that were accepted of it. */
export type Replaced = {
  readonly number: number;
  readonly claim: string;
  readonly engine: string;
  readonly model: string;
  readonly tokens: number;
};

/**
 * Keeps what `readDelta` accepts in pieces: so the record of an answer that was taken over has all its deltas, and
 * every attempt's use is counted.
 */
export class PieceKeeper {
  #bytes: number[] = [];
  #millis: number[] = [];
  #last: number | null = null;
  #attempts: Replaced[] = [];

  /** `time`: the broker's append time of the event, in milliseconds since 1970. */
  take(event: ReplyEvent, verdict: Verdict, time: number): void {
    if (verdict.type === 'attempt' && event.type === 'AttemptStarted') {
      const { attempt, claim, engine, model } = event.data;
      this.#attempts.push({ number: attempt, claim, engine, model, tokens: 0 });
    }
    if (verdict.type === 'reset') [this.#bytes, this.#millis] = [[], []];
    if (verdict.type !== 'delta') return;
    this.#bytes.push(Buffer.byteLength(verdict.text, 'utf8'));
    this.#millis.push(this.#last === null ? 0 : Math.max(0, time - this.#last));
    this.#last = time;
    const current = this.#attempts.pop();
    if (current !== undefined) this.#attempts.push({ ...current, tokens: current.tokens + verdict.tokens });
  }

  get pieces(): Pieces {
    return { deltaBytes: this.#bytes, deltaMillis: this.#millis };
  }

  /** The attempts that produced something before this claim. */
  before(claim: string): readonly Replaced[] {
    return this.#attempts.filter((attempt) => attempt.claim !== claim && attempt.tokens > 0);
  }
}
