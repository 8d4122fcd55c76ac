import type { LoggedEvent } from '../../streams/event.ts';

/** Everything that is read after a run, from all sides. The rules know nothing else. Times are milliseconds since 1970. */
export type Evidence = {
  readonly messages: readonly Witnessed[];
  readonly log: LogAsRead;
  /** The same topics as somebody else's client reads them. */
  readonly again: readonly RecordAgain[];
  readonly rows: readonly AnswerRow[];
  readonly deadLetters: readonly SetAside[];
  /** Records that nobody can decode, and that the run put on the log. */
  readonly poison: readonly PoisonRecord[];
  /** Those of earlier rounds: whoever is killed before it commits sets them aside again, under the same id. */
  readonly poisonBefore: readonly PoisonRecord[];
  /** Lines that roles logged. */
  readonly logLines: readonly string[];
  /** Words that must appear in no log: keys, secrets. */
  readonly secrets: readonly string[];
  /** When the run began and ended by the broker's clock. */
  readonly began: number;
  readonly ended: number;
};

export type LogAsRead = {
  readonly conversations: readonly LoggedEvent[];
  readonly deltas: readonly LoggedEvent[];
  readonly turns: readonly LoggedEvent[];
  readonly requests: readonly LoggedEvent[];
};

/** One message and its answer, as the client that sent it saw them; a line at invoke, one at result. */
export type Witnessed = {
  /** Its Idempotency-Key. */
  readonly key: string;
  readonly tenant: string;
  readonly transport: 'websocket' | 'sse' | 'responses';
  /** Words that only this message has: found elsewhere, something leaked. */
  readonly canary: string;
  /** The conversation it was to continue; null for a new one. */
  readonly continues: string | null;
  /** A time-out is unknown. */
  submission: 'accepted' | 'refused' | 'unknown';
  inferenceId: string | null;
  conversationId: string | null;
  /** In the order in which they came, over all connections. */
  readonly frames: SeenFrame[];
  /** How the client was told that it ended; null if it never was. */
  outcome: 'completed' | 'cancelled' | 'failed' | null;
  code: string | null;
};

export type SeenFrame = {
  /** Number of the connection it came on, from 0. */
  readonly connection: number;
  /** The cursor that the connection was opened with; -1 for none. */
  readonly after: number;
  /** `other` has a number and no text. */
  readonly type: 'delta' | 'reset' | 'done' | 'error' | 'other';
  /** Null for what has no number. */
  readonly seq: number | null;
  readonly text: string;
};

export type RecordAgain = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly type: string;
  readonly time: number;
};

/** A turn in the read model. */
export type AnswerRow = {
  readonly tenant: string;
  readonly inferenceId: string;
  readonly status: string;
  readonly text: string | null;
};

export type PoisonRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly hex: string;
};

/** A dead letter; one that is appended again has the same id, by which readers drop it. */
export type SetAside = PoisonRecord & { readonly group: string; readonly id: string };

export type Violation = {
  /** The promise, such as P1. */
  readonly rule: string;
  readonly sentence: string;
};

/** Holds evidence against one promise and returns a sentence per violation. */
export type Rule = {
  readonly promise: string;
  readonly says: string;
  readonly check: (evidence: Evidence) => readonly string[];
};
