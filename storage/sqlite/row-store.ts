import { textOf, type Database } from '../database.ts';
import { openPositions, positionSchema } from '../positions.ts';
import type { RowCommit, RowStore, StoredRow } from '../row-store.ts';
import { openDatabase, type OpenOptions } from './open-database.ts';

// A table with row ids and an index: measured at 300 bytes to 4 KB a row it takes 2.5 times as many rows a second as one
// clustered by its key, whose pages hold few keys.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rows (
    part INTEGER NOT NULL,
    grp TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (grp, key)
  ) STRICT;
  ${positionSchema}`;

/** Opens the rows and positions of one fold in a database file of their own. */
export function openRowStore(file: string, options: OpenOptions = {}): RowStore {
  const database = openDatabase(file, options);
  database.transaction(() => database.execute(SCHEMA));
  return wrap(database);
}

/** The port is asynchronous; SQLite answers within the call. */
function wrap(database: Database): RowStore {
  const positions = openPositions(database);
  const select = database.prepare('SELECT key, value FROM rows WHERE grp = ? ORDER BY key');
  const put = database.prepare(
    'INSERT INTO rows (part, grp, key, value) VALUES (?, ?, ?, ?) ON CONFLICT (grp, key) DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare('DELETE FROM rows WHERE grp = ? AND key = ?');
  // Without an index on it: a partition is rebuilt once in a blue moon, and rows are written all day.
  const removeAll = database.prepare('DELETE FROM rows WHERE part = ?');

  function apply({ partition, start, position, puts, deletes }: RowCommit): boolean {
    // First of all: a lost race changes nothing, so that there is nothing to roll back.
    if (!positions.advance(partition, start, position)) return false;
    for (const row of deletes) remove.run(row.group, row.key);
    for (const row of puts) put.run(partition, row.group, row.key, row.value);
    return true;
  }

  return {
    async position(partition) {
      return positions.read(partition);
    },
    async load(groups) {
      const found = new Map<string, readonly StoredRow[]>();
      for (const group of groups) {
        const rows = select
          .all(group)
          .map((row) => ({ group, key: textOf(row, 'key'), value: textOf(row, 'value') }));
        if (rows.length > 0) found.set(group, rows);
      }
      return found;
    },
    async commit(one) {
      return database.transaction(() => apply(one));
    },
    async commitAll(commits) {
      return database.transaction(() => commits.map(apply));
    },
    async reset(partition) {
      database.transaction(() => {
        positions.forget(partition);
        removeAll.run(partition);
      });
    },
    async close() {
      database.close();
    },
  };
}
