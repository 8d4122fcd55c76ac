import { StenoError } from '../runtime/errors.ts';
import type { Database } from '../storage/database.ts';
import type { Generations } from '../storage/generations.ts';
import type { Position } from '../storage/row-store.ts';
import type { EventLog } from '../streams/event-log.ts';
import type { FoldLogResult } from './fold-log.ts';
import type { Projection, ProjectionDefinition } from './projection.ts';
import { hashOf } from './state-hash.ts';

export type RebuildInput = {
  readonly definition: ProjectionDefinition;
  readonly events: EventLog;
  readonly topic: string;
  readonly generations: Generations;
  /** Begin anew instead of going on with what a rebuild that was cut short left. */
  readonly fresh: boolean;
  readonly signal: AbortSignal;
  /** Folds the topic into a generation up to the offsets given, and returns when the database is closed again. */
  readonly fold: (generation: number, until: ReadonlyMap<number, number>) => Promise<FoldLogResult>;
};

/**
 * How the rows in use compared with the rebuilt ones at the same offsets. `not_compared`: there are none, or they are of
 * another log, or behind what an earlier rebuild has folded already.
 */
export type Comparison = 'equal' | 'differs' | 'not_compared';

export type RebuildReport = Pick<FoldLogResult, 'folded' | 'skipped'> & {
  readonly generation: number;
  readonly comparison: Comparison;
  /** State hash of the rebuilt rows, where they were compared. */
  readonly hash: string | null;
  /** State hash of the rows that were in use. */
  readonly before: string | null;
  /** Rows rebuilt. */
  readonly rows: number;
  /** Files of the generations that were replaced. */
  readonly removed: readonly string[];
};

type State = { readonly positions: ReadonlyMap<number, Position>; readonly hash: string };

/**
 * Rebuilds a read model from the log beside the one in use, compares both at the same offsets, and puts the new one in
 * its place, also if they differ: what the log says is right. A running role and its readers go over to it by themselves.
 * Throws the signal's reason when it aborts; the next call goes on from there.
 */
export async function rebuild(input: RebuildInput): Promise<RebuildReport> {
  const { definition, events, topic, generations, fresh, signal, fold } = input;
  const used = generations.current();
  const generation = used + 1;
  if (fresh) generations.remove(generation);
  const counts = { folded: 0, skipped: 0 };
  const foldUpTo = async (until: ReadonlyMap<number, number>): Promise<void> => {
    signal.throwIfAborted();
    const { folded, skipped } = await fold(generation, until);
    counts.folded += folded;
    counts.skipped += skipped;
  };

  const ends = new Map((await events.log.offsets(topic, 'end')).entries());
  const topicId = await events.log.topicId(topic);
  const comparable = await isOfThisLog();
  // Most of the way first: what is in use moves on meanwhile.
  await foldUpTo(comparable ? offsetsOf(positionsIn(used)) : ends);
  const before = comparable ? stateIn(used) : null;
  if (before !== null) await foldUpTo(offsetsOf(before.positions));
  const rebuilt = before === null ? null : stateIn(generation);
  const comparison = compare(before, rebuilt);
  await foldUpTo(comparable ? offsetsOf(positionsIn(used)) : ends);
  const rows = open(generation, ({ projection }) => projection.count());
  signal.throwIfAborted();
  generations.makeCurrent(generation);
  const removed = generations.prune();
  const [hash, hashBefore] = [rebuilt?.hash ?? null, before?.hash ?? null];
  return { ...counts, generation, comparison, hash, before: hashBefore, rows, removed };

  async function isOfThisLog(): Promise<boolean> {
    if (!generations.exists(used)) return false;
    try {
      const positions = positionsIn(used);
      const ahead = generations.exists(generation) ? positionsIn(generation) : new Map<number, Position>();
      return (
        positions.size > 0 &&
        [...positions].every(
          ([partition, position]) =>
            position.topicId === topicId &&
            position.next <= (ends.get(partition) ?? 0) &&
            position.next >= (ahead.get(partition)?.next ?? 0),
        )
      );
    } catch (error) {
      // Nothing to compare with: that may be why somebody rebuilds it.
      if (error instanceof StenoError && error.code === 'store_corrupt') return false;
      throw error;
    }
  }

  function positionsIn(which: number): ReadonlyMap<number, Position> {
    return open(which, ({ projection }) => projection.positions.all());
  }

  function stateIn(which: number): State {
    return open(which, ({ projection, database }) =>
      database.snapshot(() => ({
        positions: projection.positions.all(),
        hash: hashOf(projection.lines(null)),
      })),
    );
  }

  function open<T>(which: number, work: (opened: { projection: Projection; database: Database }) => T): T {
    const database = generations.open(which);
    try {
      return work({ projection: definition.open(database), database });
    } finally {
      database.close();
    }
  }
}

function compare(before: State | null, rebuilt: State | null): Comparison {
  if (before === null || rebuilt === null) return 'not_compared';
  return before.hash === rebuilt.hash ? 'equal' : 'differs';
}

function offsetsOf(positions: ReadonlyMap<number, Position>): ReadonlyMap<number, number> {
  return new Map([...positions].map(([partition, { next }]) => [partition, next]));
}
