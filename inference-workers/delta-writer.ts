import type { InferenceDelta } from '../schemas/generated/types.ts';
import type { Pieces } from '../streams/delta-pieces.ts';
import type { NewEvent } from '../streams/event.ts';

/** Where a writer stands when it begins: behind what earlier attempts left. */
export type DeltaStart = {
  readonly nextSeq: number;
  readonly firstSeq: number;
  readonly text: string;
  /** The deltas of the text. */
  readonly pieces: Pieces;
};

export type DeltaTarget = {
  readonly topic: string;
  readonly partition: number;
  readonly inferenceId: string;
  readonly claim: string;
  /** Appends until the log has it; `opens` for what opens an attempt. Throws when the run may no longer append. */
  readonly append: (events: readonly NewEvent[], opens: boolean) => Promise<void>;
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
};

/**
 * Numbers and appends the pieces of one attempt. The first piece goes at once; what arrives while it is on its way
 * travels together as the next. A numbered delta never changes.
 */
export class DeltaWriter {
  readonly #target: DeltaTarget;
  #nextSeq: number;
  #firstSeq: number;
  #text: string;
  #bytes: number[];
  #millis: number[];
  #last: number;
  /** Text not numbered yet. */
  #held = '';
  #heldTokens = 0;
  #tokens = 0;
  #sending: Promise<void> | null = null;
  #failure: Error | null = null;
  /** Travels in the same request as the first delta. */
  #opening: readonly NewEvent[];

  constructor(target: DeltaTarget, start: DeltaStart, opening: readonly NewEvent[]) {
    this.#target = target;
    this.#nextSeq = start.nextSeq;
    this.#firstSeq = start.firstSeq;
    this.#text = start.text;
    this.#opening = opening;
    this.#last = target.now();
    this.#bytes = [...start.pieces.deltaBytes];
    this.#millis = [...start.pieces.deltaMillis];
  }

  /** Takes a piece of text. Throws what made an earlier append fail. */
  write(text: string, tokens: number): void {
    if (this.#failure !== null) throw this.#failure;
    this.#held += text;
    this.#heldTokens += tokens;
    this.#tokens += tokens;
    if (this.#sending === null && this.#held !== '') this.#send();
  }

  /** Takes back all text so far. */
  reset(): void {
    const seq = this.#nextSeq;
    this.#nextSeq = seq + 1;
    this.#firstSeq = seq + 1;
    [this.#text, this.#bytes, this.#millis] = ['', [], []];
    this.#opening = [...this.#opening, this.#delta({ seq, reset: true, text: '', tokens: 0 })];
  }

  /** Resolves when everything written is acknowledged. Throws what made an append fail. */
  async finish(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
    if (this.#failure !== null) throw this.#failure;
    if (this.#opening.length > 0) {
      const opening = this.#opening;
      this.#opening = [];
      await this.#target.append(opening, true);
    }
  }

  /** Text that is numbered: after finish(), all of it. */
  get text(): string {
    return this.#text;
  }

  /** Everything written, numbered or not: what an engine that starts again goes on from. */
  get written(): string {
    return this.#text + this.#held;
  }

  /** Tokens written by this attempt. */
  get tokens(): number {
    return this.#tokens;
  }

  get seqs(): {
    readonly firstSeq: number;
    readonly nextSeq: number;
    readonly deltaBytes: readonly number[];
    readonly deltaMillis: readonly number[];
  } {
    return {
      firstSeq: this.#firstSeq,
      nextSeq: this.#nextSeq,
      deltaBytes: this.#bytes,
      deltaMillis: this.#millis,
    };
  }

  #send(): void {
    const seq = this.#nextSeq;
    const text = this.#held;
    const now = this.#target.now();
    const delta = this.#delta({ seq, reset: false, text, tokens: this.#heldTokens });
    this.#nextSeq = seq + 1;
    this.#text += text;
    this.#bytes.push(Buffer.byteLength(text, 'utf8'));
    this.#millis.push(Math.round(now - this.#last));
    this.#last = now;
    [this.#held, this.#heldTokens] = ['', 0];
    const opens = this.#opening.length > 0;
    const events = opens ? [...this.#opening, delta] : [delta];
    this.#opening = [];
    this.#sending = this.#target.append(events, opens).then(
      () => {
        this.#sending = null;
        if (this.#held !== '') this.#send();
      },
      (error: unknown) => {
        this.#sending = null;
        this.#failure = error instanceof Error ? error : new Error('an append failed');
      },
    );
  }

  #delta(piece: Pick<InferenceDelta, 'seq' | 'reset' | 'tokens'> & { readonly text: string }): NewEvent {
    const { topic, partition, inferenceId, claim } = this.#target;
    const { seq, reset, tokens, text } = piece;
    return {
      type: 'InferenceDelta',
      data: {
        inferenceId,
        claim,
        seq,
        reset,
        tokens,
        tokenIds: [],
        text: { text, sealed: null, keyId: null },
      },
      topic,
      partition,
      key: inferenceId,
    };
  }
}
