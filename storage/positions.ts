import { numberOf, textOf, type Database, type SqlRow } from './database.ts';
import type { Position } from './row-store.ts';

/** The positions of one database's folds. Called inside the transaction that writes the rows. */
export interface Positions {
  read(partition: number): Position | null;
  /** Every stored position, by partition. */
  all(): ReadonlyMap<number, Position>;
  /** Compare-and-set: false, and nothing changed, if the stored position is not `start`. */
  advance(partition: number, start: number | null, position: Position): boolean;
  forget(partition: number): void;
}

/** Name of the table: readers ask whether it is there. */
export const POSITION_TABLE = 'position';

export const positionSchema = `
  CREATE TABLE IF NOT EXISTS ${POSITION_TABLE} (
    partition INTEGER PRIMARY KEY,
    next INTEGER NOT NULL,
    last_event_id TEXT NOT NULL,
    topic_id TEXT NOT NULL
  ) STRICT;`;

/** Prepares the statements; the table is made with `positionSchema`. */
export function openPositions(database: Database): Positions {
  const select = database.prepare(
    `SELECT next, last_event_id, topic_id FROM ${POSITION_TABLE} WHERE partition = ?`,
  );
  const selectAll = database.prepare(
    `SELECT partition, next, last_event_id, topic_id FROM ${POSITION_TABLE} ORDER BY partition`,
  );
  const update = database.prepare(
    `UPDATE ${POSITION_TABLE} SET next = ?, last_event_id = ?, topic_id = ? WHERE partition = ? AND next = ?`,
  );
  const insert = database.prepare(
    `INSERT INTO ${POSITION_TABLE} (partition, next, last_event_id, topic_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const remove = database.prepare(`DELETE FROM ${POSITION_TABLE} WHERE partition = ?`);
  return {
    read(partition) {
      const row = select.get(partition);
      return row === null ? null : toPosition(row);
    },
    all: () => new Map(selectAll.all().map((row) => [numberOf(row, 'partition'), toPosition(row)])),
    advance(partition, start, { next, lastEventId, topicId }) {
      const changed =
        start === null
          ? insert.run(partition, next, lastEventId, topicId)
          : update.run(next, lastEventId, topicId, partition, start);
      return changed === 1;
    },
    forget(partition) {
      remove.run(partition);
    },
  };
}

function toPosition(row: SqlRow): Position {
  return {
    next: numberOf(row, 'next'),
    lastEventId: textOf(row, 'last_event_id'),
    topicId: textOf(row, 'topic_id'),
  };
}
