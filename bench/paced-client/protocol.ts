/** What the load generator is told: streams that begin one after the other and end one after the other. */
export type PacedOrder = {
  readonly url: string;
  readonly streams: number;
  /** One question for every stream, and what each must be answered, byte by byte. */
  readonly text: string;
  readonly answer: string;
  /** Tokens of the answer. */
  readonly tokens: number;
  /** Models to ask, each for so many streams. */
  readonly models: readonly string[];
  readonly streamsPerModel: number;
  /** Milliseconds from the first question to the last. */
  readonly rampMillis: number;
  /** Milliseconds during which all of them stream. */
  readonly holdMillis: number;
};

/** What happened, from the client's side. */
export type PacedResult = {
  readonly type: 'result';
  /** Longest time between two tokens of each stream, from its first to its last, in milliseconds. */
  readonly gaps: readonly number[];
  /** Tokens of all streams within the hold, by their characters: under load several travel in a delta. */
  readonly tokensInHold: number;
  readonly deltasInHold: number;
};

/** The hold begins or ends; an answer was not right; all is done. */
export type PacedReport =
  | { readonly type: 'hold' }
  | { readonly type: 'held' }
  | { readonly type: 'void'; readonly why: string }
  | PacedResult;
