import { performance } from 'node:perf_hooks';
import type { ProjectionDefinition } from '../../projections/projection.ts';
import type { Database, SqlValue } from '../../storage/database.ts';
import type { EventLog } from '../../streams/event-log.ts';

const ROWS_AT_ONCE = 2_000;

/** Reads a topic to its end, decodes nothing, and returns how many seconds that took. */
export async function readRaw(
  events: EventLog,
  topic: string,
  ends: readonly number[],
  signal: AbortSignal,
): Promise<number> {
  const behind = new Set([...ends.entries()].flatMap(([partition, end]) => (end > 0 ? [partition] : [])));
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    const follower = events.log.openFollower({
      name: 'raw',
      onFailure: reject,
      onBatch({ partition, nextOffset }) {
        if (signal.aborted) reject(signal.reason as Error);
        if (nextOffset >= (ends[partition] ?? 0)) behind.delete(partition);
        if (behind.size === 0) void follower.stop().then(resolve, reject);
      },
    });
    for (const partition of behind) follower.add(topic, partition, 'earliest').catch(reject);
  });
  return (performance.now() - began) / 1_000;
}

/**
 * Inserts the rows of one database into another with the same tables and indexes, in transactions of 2,000 rows, and
 * returns how many seconds the insertion took. Reading them is not counted.
 */
export function insertRaw(definition: ProjectionDefinition, from: Database, to: Database): number {
  definition.open(to);
  const tables = from
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'position' ORDER BY name`)
    .all();
  let millis = 0;
  for (const { name } of tables) {
    const columns = from.prepare(`SELECT name FROM pragma_table_info(?) ORDER BY cid`).all(name ?? null);
    const names = columns.map((column) => String(column['name']));
    const read = from.prepare(
      `SELECT rowid AS place, * FROM ${String(name)} WHERE rowid > ? ORDER BY rowid LIMIT ?`,
    );
    const put = to.prepare(
      `INSERT INTO ${String(name)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    );
    for (let page = read.all(0, ROWS_AT_ONCE); page.length > 0;) {
      const rows = page.map((row) => names.map((column): SqlValue => row[column] ?? null));
      const began = performance.now();
      to.transaction(() => rows.forEach((values) => put.run(...values)));
      millis += performance.now() - began;
      page = read.all(Number(page.at(-1)?.['place']), ROWS_AT_ONCE);
    }
  }
  return millis / 1_000;
}
