import type { Database, SqlRow, SqlValue, Statement } from '../database.ts';
import type { Generations } from '../generations.ts';
import { openPositions, POSITION_TABLE } from '../positions.ts';
import type { Position } from '../row-store.ts';

export type CurrentReaderOptions = {
  /** How often to ask which generation is in use, and how long to wait until a new one is as far as the one before. */
  readonly askMillis?: number;
  readonly patienceMillis?: number;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
};

const ASK_MS = 500;
const PATIENCE_MS = 30_000;

/**
 * Opens whatever generation is in use, for reading. When another one takes its place, it goes over to that as soon as it
 * holds all that was seen before: what was read once is not missing afterwards.
 */
export function openCurrentReader(generations: Generations, options: CurrentReaderOptions = {}): Database {
  const { askMillis = ASK_MS, patienceMillis = PATIENCE_MS, now = () => performance.now() } = options;
  let generation = generations.current();
  let reader = generations.openReader(generation);
  let askedAt = now();
  let waitingSince: number | null = null;

  function use(): Database {
    const time = now();
    if (time - askedAt < askMillis) return reader;
    askedAt = time;
    const wanted = generations.current();
    if (wanted === generation) return reader;
    waitingSince ??= time;
    const next = generations.openReader(wanted);
    if (time - waitingSince < patienceMillis && !isAsFar(next, reader)) {
      next.close();
      return reader;
    }
    reader.close();
    [reader, generation, waitingSince] = [next, wanted, null];
    return reader;
  }

  function prepare(sql: string): Statement {
    let of: Database | null = null;
    let statement: Statement | null = null;
    const compiled = (): Statement => {
      const used = use();
      if (statement === null || of !== used) [of, statement] = [used, used.prepare(sql)];
      return statement;
    };
    return {
      run: (...values: readonly SqlValue[]): number => compiled().run(...values),
      get: (...values: readonly SqlValue[]): SqlRow | null => compiled().get(...values),
      all: (...values: readonly SqlValue[]): readonly SqlRow[] => compiled().all(...values),
    };
  }

  return {
    prepare,
    execute: (sql) => use().execute(sql),
    transaction: (work) => use().transaction(work),
    snapshot: (work) => use().snapshot(work),
    hasTable: (name) => use().hasTable(name),
    scrub: () => use().scrub(),
    close: () => reader.close(),
  };
}

/** True if no partition of the same log is behind. */
function isAsFar(next: Database, before: Database): boolean {
  const [there, here] = [positionsOf(next), positionsOf(before)];
  return [...here].every(([partition, position]) => {
    const found = there.get(partition);
    return found !== undefined && (found.topicId !== position.topicId || found.next >= position.next);
  });
}

function positionsOf(database: Database): ReadonlyMap<number, Position> {
  return database.hasTable(POSITION_TABLE) ? openPositions(database).all() : new Map();
}
