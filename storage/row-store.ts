/** One row of a fold. Rows of one group (a conversation) are loaded together. `value` is JSON. */
export type StoredRow = { readonly group: string; readonly key: string; readonly value: string };

/** How far a fold got in one partition, and how to tell that the log is still the same one. */
export type Position = {
  /** Offset of the next record to fold. */
  readonly next: number;
  /** Event id of the last record folded; empty before the first. */
  readonly lastEventId: string;
  /** Kafka's id of the topic: another one means another log. */
  readonly topicId: string;
};

export type RowCommit = {
  readonly partition: number;
  /** The position that the rows were computed from; null if there was none. */
  readonly start: number | null;
  readonly position: Position;
  readonly puts: readonly StoredRow[];
  readonly deletes: readonly Pick<StoredRow, 'group' | 'key'>[];
};

/**
 * Rows and positions of one fold. Rows and position change together or not at all.
 * Throws StenoError `store_unavailable` and `store_full` (retryable: nothing changed), `store_corrupt` and
 * `store_in_use` (a second host).
 */
export interface RowStore {
  position(partition: number): Promise<Position | null>;
  /** Returns the rows of each group, by the UTF-8 bytes of their keys; a group without rows is left out. */
  load(groups: readonly string[]): Promise<ReadonlyMap<string, readonly StoredRow[]>>;
  /**
   * Compare-and-set: false, and nothing changed, if the stored position is not `start`. Deletes come before puts.
   * Calls take effect in the order they were made: the next need not await the one before.
   */
  commit(commit: RowCommit): Promise<boolean>;
  /** Several partitions' commits in one transaction: each is done or not on its own, in the order given. */
  commitAll(commits: readonly RowCommit[]): Promise<readonly boolean[]>;
  /** Forgets a partition's position and every row that its commits put: a rebuild begins. */
  reset(partition: number): Promise<void>;
  close(): Promise<void>;
}
