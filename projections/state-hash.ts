import { createHash } from 'node:crypto';
import type { SqlRow } from '../storage/database.ts';
import { toValues, type Table } from './columns.ts';

/** Returns a row as the state hash sees it: one line of text, the same for equal rows. */
export function lineOf<Row>(table: Table<Row>, row: Row): string {
  return `${JSON.stringify([table.name, ...toValues(table, row)])}\n`;
}

/** The same of a row as it is stored. */
export function lineOfStored<Row>({ name, columns }: Table<Row>, found: SqlRow): string {
  return `${JSON.stringify([name, ...columns.map((column) => found[column.name] ?? null)])}\n`;
}

/** Returns the lines of a table held in memory, in the order in which a database gives its rows. */
export function* linesOf<Row>(
  table: Table<Row>,
  rows: ReadonlyMap<string, Row | null>,
): Generator<string, void, undefined> {
  const sorted = [...rows].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const [, row] of sorted) if (row !== null) yield lineOf(table, row);
}

/** Returns SHA-256 over the lines, lower-case hex: equal for equal folds, however they were cut into batches. */
export function hashOf(lines: Iterable<string>): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(line);
  return hash.digest('hex');
}
