/** Rows of one table while events are folded: each is read once, changed in memory, and written once. */
export interface KeptRows<Row> {
  get(key: string): Row | null;
  put(key: string, row: Row | null): void;
  /** The last state of each row that was put. */
  readonly changes: ReadonlyMap<string, Row | null>;
}

/** Begins on top of what `read` returns, which must not change meanwhile. */
export function keepRows<Row>(read: (key: string) => Row | null): KeptRows<Row> {
  const changes = new Map<string, Row | null>();
  const unchanged = new Map<string, Row>();
  return {
    get(key) {
      const changed = changes.get(key);
      if (changed !== undefined) return changed;
      const known = unchanged.get(key);
      if (known !== undefined) return known;
      const row = read(key);
      // Most rows that are missing are put at once.
      if (row !== null) unchanged.set(key, row);
      return row;
    },
    put: (key, row) => void changes.set(key, row),
    changes,
  };
}
