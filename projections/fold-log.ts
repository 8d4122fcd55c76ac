import { StenoError } from '../runtime/errors.ts';
import type { UnreadFields } from '../schemas/codec.ts';
import type { Database } from '../storage/database.ts';
import type { Position } from '../storage/row-store.ts';
import type { EventLog } from '../streams/event-log.ts';
import type { LoggedEvent } from '../streams/event.ts';
import type { Batch, RawRecord } from '../streams/log.ts';
import { decodeBatch } from '../streams/runner/decode-batch.ts';
import type { Projection, Step } from './projection.ts';
import { openPositionVerifier } from './verify-position.ts';

export type FoldLogInput = {
  readonly events: EventLog;
  readonly topic: string;
  readonly projection: Projection;
  /** As the definition of the projection has it. */
  readonly unread: UnreadFields;
  /** Nobody else writes rows of these partitions. */
  readonly database: Database;
  /** Offset at which to end, by partition: the fold holds what lies before it. */
  readonly until: ReadonlyMap<number, number>;
  readonly signal: AbortSignal;
  /** Told after every commit how many records were passed since the one before. */
  readonly onProgress: (records: number) => void;
  /** Most events in one transaction. */
  readonly mostEvents?: number;
  /** Runs a transaction when it is this fold's turn to write, where several share the database. */
  readonly inTurn?: (work: () => void) => void;
};

export type FoldLogResult = {
  /** Events folded, and records left out because they cannot be decoded, folded or written. */
  readonly folded: number;
  readonly skipped: number;
  /** Partitions whose rows were not of this log, thrown away first. */
  readonly restarted: readonly number[];
};

const MOST_EVENTS = 20_000;
/** Most characters of rows in one transaction. */
const MOST_CHARACTERS = 16_000_000;

/**
 * Folds a log into a database of its own: in big steps, each row written once per step, rows and positions in one
 * transaction. It goes on from the positions that lie there, and appends nothing and commits to no group.
 * Throws the signal's reason when it aborts; what was committed stays.
 */
export async function foldLog(input: FoldLogInput): Promise<FoldLogResult> {
  const { topic, projection, until, signal } = input;
  const events = input.events.leaving(input.unread);
  const restarted = await prepare(input);
  const fold = openFold(input, (record) => events.decode(record));
  for (const partition of until.keys()) fold.begin(partition);
  const behind = new Set(
    [...until].flatMap(([partition, end]) => (fold.next(partition) < end ? [partition] : [])),
  );
  if (behind.size === 0) return { folded: 0, skipped: 0, restarted };

  const waiting: { readonly batch: Batch; readonly done: () => void }[] = [];
  let wake: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  // Awaited below, together with what may take longer.
  failed.catch(() => undefined);
  const follower = events.log.openFollower({
    name: `rebuild-${projection.name}`,
    // The next ones are fetched while this one waits to be folded.
    onBatch: (batch) =>
      new Promise<void>((done) => {
        waiting.push({ batch, done });
        wake();
      }),
    onFailure: fail,
  });
  const abort = (): void => fail(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    const adding = [...behind].map((partition) => follower.add(topic, partition, fold.next(partition)));
    await Promise.race([failed, Promise.all(adding)]);
    while (behind.size > 0) {
      const found = waiting.shift();
      if (found === undefined) {
        const arrival = new Promise<void>((resolve) => (wake = resolve));
        await Promise.race([failed, arrival]);
        continue;
      }
      const { batch, done } = found;
      const end = until.get(batch.partition) ?? 0;
      const pending = decodeBatch(events, batch.records, signal);
      fold.take(batch, pending instanceof Promise ? await pending : pending, end);
      if (fold.next(batch.partition) >= end) {
        follower.remove(topic, batch.partition);
        behind.delete(batch.partition);
      }
      done();
      // The sockets' turn: the fetch that is under way.
      await new Promise(setImmediate);
      signal.throwIfAborted();
    }
    fold.commit();
    return { ...fold.counts(), restarted };
  } finally {
    signal.removeEventListener('abort', abort);
    for (const { done } of waiting) done();
    await follower.stop();
  }
}

/** Partitions that never began get a position; those that are not of this log lose their rows first. */
async function prepare(input: FoldLogInput): Promise<number[]> {
  const { events, topic, projection, database, until, signal, inTurn = atOnce } = input;
  const write = (work: () => void): void => inTurn(() => database.transaction(work));
  const { positions } = projection;
  const topicId = await events.log.topicId(topic);
  const verifier = openPositionVerifier(events, `rebuild-${projection.name}-verify`, () => undefined);
  const restarted: number[] = [];
  try {
    for (const partition of until.keys()) {
      signal.throwIfAborted();
      const position = positions.read(partition);
      if (position !== null && (await verifier.check({ topic, partition }, position)) === null) continue;
      if (position !== null) {
        restarted.push(partition);
        write(() => positions.forget(partition));
      }
      for (const _ of projection.clear(partition)) signal.throwIfAborted();
      write(() => void positions.advance(partition, null, { next: 0, lastEventId: '', topicId }));
    }
  } finally {
    await verifier.stop();
  }
  return restarted;
}

type Reached = { readonly stored: Position; readonly position: Position };

/** Folds what arrives of several partitions into one step, and writes it when it is big. */
function openFold(
  { projection, database, onProgress, inTurn = atOnce, mostEvents = MOST_EVENTS }: FoldLogInput,
  decode: (record: RawRecord) => LoggedEvent,
) {
  const reached = new Map<number, Reached>();
  let step: Step = projection.begin();
  /** What was folded, as bytes: events kept so long would outlive the young memory, which costs more than to read them. */
  let taken: RawRecord[] = [];
  let passed = 0;
  let folded = 0;
  let skipped = 0;

  function apply(event: LoggedEvent, record: RawRecord): void {
    try {
      step.apply(event);
      taken.push(record);
    } catch (error) {
      // A database that fails says nothing about the event.
      if (error instanceof StenoError) throw error;
      skipped += 1;
    }
  }

  function commit(): void {
    try {
      inTurn(() =>
        database.transaction(() => {
          advance();
          step.save();
        }),
      );
      folded += taken.length;
    } catch (error) {
      if (error instanceof StenoError) throw error;
      inTurn(writeSingly);
    }
    for (const [partition, { position }] of reached) reached.set(partition, { stored: position, position });
    onProgress(passed);
    [step, taken, passed] = [projection.begin(), [], 0];
  }

  function advance(): void {
    for (const [partition, { stored, position }] of reached) {
      if (position.next === stored.next) continue;
      if (!projection.positions.advance(partition, stored.next, position)) throw moved(partition);
    }
  }

  /** One of the events makes a row that cannot be written: it is left out, as the running role sets it aside. */
  function writeSingly(): void {
    database.transaction(() => {
      advance();
      for (const record of taken) {
        database.execute('SAVEPOINT one');
        try {
          const single = projection.begin();
          single.apply(decode(record));
          single.save();
          folded += 1;
        } catch (error) {
          if (error instanceof StenoError) throw error;
          database.execute('ROLLBACK TO one');
          skipped += 1;
        }
        database.execute('RELEASE one');
      }
    });
  }

  return {
    begin(partition: number): void {
      const stored = projection.positions.read(partition);
      if (stored !== null) reached.set(partition, { stored, position: stored });
    },
    next: (partition: number): number => reached.get(partition)?.position.next ?? 0,
    take(
      batch: Batch,
      decoded: {
        readonly events: readonly LoggedEvent[];
        readonly poison: readonly { record: { offset: number } }[];
      },
      end: number,
    ): void {
      const known = reached.get(batch.partition);
      if (known === undefined) return;
      const before = known.position.next;
      let index = 0;
      for (const event of decoded.events) {
        // In between lie the records that nobody can decode.
        while ((batch.records[index]?.offset ?? event.offset) < event.offset) index += 1;
        const record = batch.records[index];
        if (record !== undefined && event.offset >= before && event.offset < end) apply(event, record);
      }
      for (const { record } of decoded.poison) if (record.offset < end) skipped += 1;
      const next = Math.min(batch.nextOffset, end);
      const last = decoded.events.findLast(({ offset }) => offset < end);
      const isLast = last !== undefined && last.offset === next - 1 && 'eventId' in last.data;
      const lastEventId = isLast ? last.data.eventId : '';
      reached.set(batch.partition, { ...known, position: { ...known.position, next, lastEventId } });
      passed += next - before;
      if (taken.length >= mostEvents || step.size >= MOST_CHARACTERS) commit();
    },
    commit,
    counts: () => ({ folded, skipped }),
  };
}

function atOnce(work: () => void): void {
  work();
}

function moved(partition: number): StenoError {
  return new StenoError('position_moved', 'another process writes to the database that is being rebuilt', {
    fix: 'let one rebuild of a projection run at a time',
    facts: { partition },
  });
}
