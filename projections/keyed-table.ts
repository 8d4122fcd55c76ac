import { numberOf, textOf, type Database } from '../storage/database.ts';
import { fromRow, putRow, toValues, type Table } from './columns.ts';
import { createKeyFilter, type KeyFilter } from './key-filter.ts';
import type { OpenOptions } from './projection.ts';
import { lineOfStored } from './state-hash.ts';

/** Rows under a text key, each of one partition of the log. */
export interface KeyedTable<Row> {
  get(key: string): Row | null;
  /** Writes the last state of each row, null where it is deleted; called inside a transaction. */
  save(changes: ReadonlyMap<string, Row | null>): void;
  /** Removes a partition's rows, a short transaction at every step. */
  clear(partition: number): Iterable<void>;
  /** Every row as a line of the state hash, by the UTF-8 bytes of its key; a partition's alone if one is named. */
  lines(partition: number | null): Iterable<string>;
  count(): number;
}

const CLEARED_AT_ONCE = 1_000;
const READ_AT_ONCE = 500;
const KEYS_AT_ONCE = 10_000;

/**
 * Prepares the statements over a table that was made with `createTable`. Where the rows of some partitions are `alone`
 * this process's to write, most keys that are not stored are known without asking the database.
 */
export function openKeyedTable<Row>(
  database: Database,
  table: Table<Row>,
  { alone = false }: OpenOptions = {},
): KeyedTable<Row> {
  const { name } = table;
  const key = table.columns[0]?.name ?? '';
  const select = database.prepare(`SELECT * FROM ${name} WHERE ${key} = ?`);
  const put = database.prepare(putRow(table));
  const drop = database.prepare(`DELETE FROM ${name} WHERE ${key} = ?`);
  const after = database.prepare(`SELECT * FROM ${name} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`);
  const keys = database.prepare(`SELECT ${key} FROM ${name} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`);
  const some = database.prepare(
    `SELECT rowid, partition FROM ${name} WHERE rowid > ? ORDER BY rowid LIMIT ?`,
  );
  const dropOne = database.prepare(`DELETE FROM ${name} WHERE rowid = ?`);
  const count = database.prepare(`SELECT count(*) AS found FROM ${name}`);

  let filter: KeyFilter | null = null;

  /** Filled at the first question, with what an earlier process stored. */
  function stored(): KeyFilter | null {
    if (!alone || filter !== null) return filter;
    filter = createKeyFilter();
    for (let page = keys.all('', KEYS_AT_ONCE); page.length > 0;) {
      for (const row of page) filter.add(textOf(row, key));
      page = keys.all(textOf(page.at(-1) ?? {}, key), KEYS_AT_ONCE);
    }
    return filter;
  }

  return {
    get(wanted) {
      if (stored()?.mayHave(wanted) === false) return null;
      const found = select.get(wanted);
      return found === null ? null : fromRow(table, found);
    },
    save(changes) {
      for (const [id, row] of changes) {
        if (row === null) drop.run(id);
        else {
          put.run(...toValues(table, row));
          filter?.add(id);
        }
      }
    },
    *clear(partition) {
      for (let page = some.all(0, CLEARED_AT_ONCE); page.length > 0;) {
        const rowids = page
          .filter((row) => row['partition'] === partition)
          .map((row) => numberOf(row, 'rowid'));
        if (rowids.length > 0) database.transaction(() => rowids.forEach((rowid) => dropOne.run(rowid)));
        page = some.all(numberOf(page.at(-1) ?? {}, 'rowid'), CLEARED_AT_ONCE);
        yield;
      }
    },
    *lines(partition) {
      for (let page = after.all('', READ_AT_ONCE); page.length > 0;) {
        for (const found of page) {
          if (partition === null || found['partition'] === partition) yield lineOfStored(table, found);
        }
        page = after.all(textOf(page.at(-1) ?? {}, key), READ_AT_ONCE);
      }
    },
    count: () => numberOf(count.get() ?? {}, 'found'),
  };
}
