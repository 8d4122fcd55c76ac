import { createHash, type Hash } from 'node:crypto';
import { conversationTable, toValues, turnTable, type Table } from './columns.ts';
import type { Changes } from './fold.ts';
import type { ConversationTable } from './table.ts';

/**
 * SHA-256 over every row in the order of its key's UTF-8 bytes, lower-case hex: equal for equal folds, however they were
 * cut into batches. With a partition, over its rows alone.
 */
export function stateHash(table: ConversationTable, partition: number | null = null): string {
  const hash = createHash('sha256');
  add(hash, conversationTable, table.conversations(partition));
  add(hash, turnTable, table.turns(partition));
  return hash.digest('hex');
}

/** The same over what `foldAll` returned. */
export function foldHash({ conversations, turns }: Changes): string {
  const hash = createHash('sha256');
  add(hash, conversationTable, inKeyOrder(conversations));
  add(hash, turnTable, inKeyOrder(turns));
  return hash.digest('hex');
}

function add<Row>(hash: Hash, table: Table<Row>, rows: Iterable<Row>): void {
  for (const row of rows) hash.update(`${JSON.stringify([table.name, ...toValues(table, row)])}\n`);
}

function inKeyOrder<Row>(rows: ReadonlyMap<string, Row | null>): readonly Row[] {
  return [...rows]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flatMap(([, row]) => (row === null ? [] : [row]));
}
