import { setTimeout as pause } from 'node:timers/promises';
import { StenoError, errorCode } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Database } from '../storage/database.ts';
import type { Position } from '../storage/row-store.ts';
import { deadLetter } from '../streams/dead-letters.ts';
import type { EventLog } from '../streams/event-log.ts';
import type { LoggedEvent } from '../streams/event.ts';
import type { Batch } from '../streams/log.ts';
import { appendUntilDone } from '../streams/runner/append-until-done.ts';
import { runGroup, type Assignment, type GroupRunner } from '../streams/runner/run-group.ts';
import { commitStep } from './commit-step.ts';
import type { Projection } from './projection.ts';
import { openPositionVerifier } from './verify-position.ts';

export type ProjectionOptions = {
  readonly events: EventLog;
  readonly projection: Projection;
  readonly database: Database;
  readonly group: string;
  readonly topic: string;
  readonly deadLetters: { readonly topic: string; readonly partitions: number };
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
  /** Told what happened, for metrics. */
  readonly onFolded: (events: number) => void;
  readonly onRebuild: (partition: number) => void;
  readonly onErased: () => void;
};

/** How long a step folds before it is written, which takes about as long again. */
const FOLD_MS = 5;
const BUSY_PAUSE_MS = 20;

/**
 * Keeps a read model equal to the fold of its topic. Whatever arrived is one batch, cut into steps that hold the event
 * loop for some milliseconds; every step is one transaction of rows and position, compare-and-set. Nothing waits for
 * more to arrive: while one step is written, the next ones gather.
 */
export async function runProjection(options: ProjectionOptions): Promise<GroupRunner> {
  const { events, projection, database, group, topic, logger } = options;
  const { positions } = projection;
  /** Where the fold of an assignment stands. */
  const standing = new Map<Assignment, Position>();
  const verifier = openPositionVerifier(events, `${group}-verify`, options.onFailure);
  const aside = events.log.openAppender(`${group}-aside`);
  let turn: Promise<unknown> = Promise.resolve();

  /** Steps of all partitions one after the other, with a breath for the event loop in between. */
  function inTurn<T>(work: () => T): Promise<T> {
    const result = turn.then(work);
    turn = result.then(breathe, breathe);
    return result;
  }

  async function start(assignment: Assignment): Promise<number | 'earliest'> {
    const { partition } = assignment;
    let position = positions.read(partition);
    const wrong = position === null ? null : await verifier.check(assignment, position);
    if (wrong !== null) {
      logger.error('the read model is not one of this log: rebuilding a partition', {
        projection: projection.name,
        partition,
        reason: wrong,
        position: position?.next,
      });
      options.onRebuild(partition);
      database.transaction(() => positions.forget(partition));
      position = null;
    }
    if (position === null) position = await begin(partition);
    standing.set(assignment, position);
    return position.next === 0 ? 'earliest' : position.next;
  }

  /** A partition without a position has no rows: also after a rebuild that was cut short. */
  async function begin(partition: number): Promise<Position> {
    const position: Position = { next: 0, lastEventId: '', topicId: await events.log.topicId(topic) };
    for (const _ of projection.clear(partition)) await breathe();
    if (!database.transaction(() => positions.advance(partition, null, position))) throw moved(partition);
    return position;
  }

  async function handle(
    assignment: Assignment,
    arrived: readonly LoggedEvent[],
    batch: Batch,
  ): Promise<void> {
    let most = Number.MAX_SAFE_INTEGER;
    while (!assignment.signal.aborted) {
      const position = standing.get(assignment);
      if (position === undefined || position.next >= batch.nextOffset) return;
      const rest = arrived.filter(({ offset }) => offset >= position.next);
      try {
        const done = await inTurn(() =>
          commitStep({
            database,
            projection,
            partition: batch.partition,
            position,
            events: rest,
            end: batch.nextOffset,
            most,
            mostMillis: FOLD_MS,
          }),
        );
        if (assignment.signal.aborted) return;
        if (done.result === 'lost') {
          standing.set(assignment, reread(assignment.partition, position));
        } else if (done.result === 'too_much') {
          most = 1;
        } else {
          standing.set(assignment, done.position);
          options.onFolded(done.folded);
          if (done.erases) options.onErased();
          if (done.poison !== null) await setAside(assignment, batch, done.poison, done.position);
        }
      } catch (error) {
        if (!(error instanceof StenoError) || !error.retryable || !error.code.startsWith('store_'))
          throw error;
        logger.warn('cannot write a read model yet', { projection: projection.name, code: error.code });
        await pause(BUSY_PAUSE_MS);
      }
    }
  }

  /** Somebody else moved the position. Ahead: go on from there. Back: only a new start reads again what lies before. */
  function reread(partition: number, position: Position): Position {
    const stored = positions.read(partition);
    logger.warn('another process folded this partition', { projection: projection.name, partition });
    if (stored === null || stored.topicId !== position.topicId || stored.next < position.next)
      throw moved(partition);
    return stored;
  }

  async function setAside(
    assignment: Assignment,
    batch: Batch,
    poison: { readonly event: LoggedEvent; readonly error: unknown },
    position: Position,
  ): Promise<void> {
    const { event, error } = poison;
    logger.warn('set an event aside', {
      topic,
      partition: event.partition,
      offset: event.offset,
      type: event.type,
      code: errorCode(error),
    });
    const record = batch.records.find(({ offset }) => offset === event.offset);
    if (record !== undefined) {
      const reason = {
        group,
        errorClass: error instanceof Error ? error.name : 'unknown',
        errorCode: errorCode(error),
        attempts: 1,
        firstFailedAt: event.time,
      };
      const letter = deadLetter(record, reason, options.deadLetters.topic, options.deadLetters.partitions);
      await appendUntilDone(aside, [letter], assignment.signal);
    }
    const past: Position = { ...position, next: event.offset + 1, lastEventId: '' };
    const won = await inTurn(() =>
      database.transaction(() => positions.advance(event.partition, position.next, past)),
    );
    standing.set(assignment, won ? past : reread(event.partition, position));
  }

  const runner = await runGroup({
    events,
    group,
    topics: [topic],
    deadLetters: options.deadLetters,
    announce: true,
    handler: { start, handle, revoked: (assignment) => void standing.delete(assignment) },
    logger,
    onFailure: options.onFailure,
  });
  return {
    ...runner,
    async stop() {
      await runner.stop();
      await turn;
      await verifier.stop();
      await aside.close();
    },
  };
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function moved(partition: number): StenoError {
  return new StenoError('position_moved', 'another process moved the position of this partition back', {
    retryable: true,
    fix: 'start the role again: it reads the partition from the stored position',
    facts: { partition },
  });
}
