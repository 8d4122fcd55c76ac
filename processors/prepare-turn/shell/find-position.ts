import { StenoError } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/logger.ts';
import type { Position, RowStore } from '../../../storage/row-store.ts';

/** Where a partition's fold begins, and up to where it only catches up. */
export type Begin = {
  readonly position: Position;
  /** Outputs of events before this offset were made by an earlier life of the database and are not made again. */
  readonly silentBefore: number;
};

export type Ends = { readonly first: number; readonly end: number; readonly topicId: string };

const REBUILD_KEY = 'until';

/** Group of the row that says how far a rebuild only catches up: it outlives a crash in the middle of one. */
export function rebuildGroup(partition: number): string {
  return `rebuild:${partition}`;
}

export const rebuildKey = REBUILD_KEY;

/**
 * Reads the stored position, or stores the first one before anything is folded: a crash a moment later then goes on from
 * there, outputs and all, instead of taking what it had folded for somebody's earlier work.
 */
export async function findPosition(
  store: RowStore,
  partition: number,
  ends: Ends,
  logger: Logger,
): Promise<Begin> {
  const { first, end, topicId } = ends;
  const stored = await store.position(partition);
  const foreign = stored === null ? null : foreignPosition(stored, topicId, end);
  if (foreign !== null) {
    logger.error('the database is not of this log: rebuilding', { partition, ...foreign.facts });
    await store.reset(partition);
  }
  if (stored !== null && foreign === null)
    return { position: stored, silentBefore: await readUntil(store, partition) };
  const position: Position = { next: first, lastEventId: '', topicId };
  const group = rebuildGroup(partition);
  const puts = end > first ? [{ group, key: REBUILD_KEY, value: String(end) }] : [];
  if (await store.commit({ partition, start: null, position, puts, deletes: [] }))
    return { position, silentBefore: end };
  throw new StenoError('position_moved', 'another process began this partition', { retryable: true });
}

async function readUntil(store: RowStore, partition: number): Promise<number> {
  const group = rebuildGroup(partition);
  const [row] = (await store.load([group])).get(group) ?? [];
  return row === undefined ? 0 : Number(row.value);
}

/** Returns an error for a position that the log cannot have: the database is of another log, or newer than this one. */
function foreignPosition(position: Position, topicId: string, end: number): StenoError | null {
  if (position.topicId === topicId && position.next <= end) return null;
  return new StenoError(
    'database_newer_than_log',
    'the saved position is not of this log: rebuilding from the log',
    {
      facts: { next: position.next, end, sameTopic: position.topicId === topicId },
    },
  );
}
