export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A statement that is compiled once, at its first use. Parameters are positional (`?`). */
export interface Statement {
  /** Runs it and returns the number of rows changed. */
  run(...values: readonly SqlValue[]): number;
  get(...values: readonly SqlValue[]): SqlRow | null;
  all(...values: readonly SqlValue[]): readonly SqlRow[];
}

/**
 * An embedded relational database, as read models and their queries see it: in this process, one call after the other.
 * Throws StenoError `store_unavailable` and `store_full` (retryable), `store_corrupt`, `store_in_use` (a second host).
 */
export interface Database {
  prepare(sql: string): Statement;
  /** Runs statements that return nothing. */
  execute(sql: string): void;
  /** Runs `work` as one transaction that no other writer interleaves with; what it throws rolls everything back. */
  transaction<T>(work: () => T): T;
  /** Runs `work`, which only reads, over one state of the database that no writer changes meanwhile. */
  snapshot<T>(work: () => T): T;
  /** False too while the file does not exist: whoever reads may be up before whoever writes. */
  hasTable(name: string): boolean;
  /**
   * Empties the write-ahead log, so that bytes deleted before are in none of the files. False if a reader held it
   * back: ask again.
   */
  scrub(): boolean;
  close(): void;
}

/** Returns a column that holds text. Throws TypeError if it does not: the schema is ours, so that is a defect. */
export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`);
  return value;
}

/** Returns a column that holds a number. Throws TypeError if it does not. */
export function numberOf(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`column ${column} holds no number`);
  return value;
}
