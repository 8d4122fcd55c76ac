import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { CodecError } from '../../schemas/codec-error.ts';
import type { LoggedEvent } from '../event.ts';
import type { EventLog } from '../event-log.ts';
import { deadLetter } from '../dead-letters.ts';
import type { Appender, Batch, Follower, Membership, RawRecord, TopicPartition } from '../log.ts';
import { partitionKey } from '../partition.ts';
import { announcePositions } from './announce-positions.ts';
import { appendUntilDone } from './append-until-done.ts';
import { decodeBatch, type Poison } from './decode-batch.ts';
import { handleTraced } from './trace-batch.ts';

/**
 * A partition that is ours until `signal` aborts. Every assignment is a new object: what an old one still had under
 * way must not be appended or committed any more.
 */
export type Assignment = TopicPartition & { readonly signal: AbortSignal };

/** What a handler may ask of the runner. */
export type GroupControl = {
  /** The handler threw on an event: its record goes to dead letters, and the partition goes on. */
  readonly setAside: (assignment: Assignment, record: RawRecord, error: unknown) => Promise<void>;
  /** Somebody else moved the position: the partition begins anew at `start`, under a new assignment. */
  readonly restart: (assignment: Assignment) => void;
};

export type GroupHandler = {
  /** Where to begin. The positions are the handler's: rows of a database, or offsets of the group. */
  readonly start: (assignment: Assignment, membership: Membership) => Promise<number | 'earliest'>;
  /** Called in log order; the partition is not read further until the promise resolves. */
  readonly handle: (
    assignment: Assignment,
    events: readonly LoggedEvent[],
    batch: Batch,
    control: GroupControl,
  ) => void | Promise<void>;
  /** A record was set aside; it is in dead letters already. */
  readonly poisoned?: (assignment: Assignment, poison: Poison) => void | Promise<void>;
  /** The process stops: nothing more is handed over, everything is still ours. What can be saved is saved here. */
  readonly leaving?: () => Promise<void>;
  readonly revoked?: (assignment: Assignment) => void;
  /** True where handling only begins here: then the handler starts the spans of its work itself. */
  readonly tracesItself?: boolean;
};

export type GroupOptions = {
  readonly events: EventLog;
  readonly group: string;
  readonly topics: readonly string[];
  readonly deadLetters: { readonly topic: string; readonly partitions: number };
  readonly handler: GroupHandler;
  /** True where the positions are the handler's: they are committed to the group only for tools to see. */
  readonly announce?: boolean;
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
};

export type GroupRunner = {
  readonly membership: Membership;
  readonly assigned: () => readonly Assignment[];
  /** Resolves when every partition that is ours now is read from its position. */
  readonly reading: () => Promise<void>;
  /** Records behind the end, by topic/partition, as of the last batch of each. */
  readonly lag: () => ReadonlyMap<string, number>;
  /** Stops reading, lets the handler save what it has, gives every partition up and leaves the group. */
  readonly stop: () => Promise<void>;
};

/** Reads the topics as a member of the group: membership decides who reads, our positions decide what. */
export async function runGroup(options: GroupOptions): Promise<GroupRunner> {
  const { events, handler, logger } = options;
  const current = new Map<string, { readonly assignment: Assignment; readonly abort: AbortController }>();
  const beginning = new Set<Promise<void>>();
  const lag = new Map<string, number>();
  const next = new Map<string, TopicPartition & { readonly offset: number }>();
  const deadLetters: Appender = events.log.openAppender(`${options.group}-dead-letters`);
  const follower: Follower = events.log.openFollower({
    name: `${options.group}-fetch`,
    seesRedriven: (group) => group === options.group,
    onBatch: receive,
    onFailure: options.onFailure,
  });
  const control: GroupControl = {
    setAside,
    restart(assignment) {
      if (current.get(partitionKey(assignment))?.assignment !== assignment) return;
      revoke([assignment]);
      assign([{ topic: assignment.topic, partition: assignment.partition }]);
    },
  };
  let stopped = false;
  let joined: (membership: Membership) => void = () => undefined;
  const whenJoined = new Promise<Membership>((resolve) => (joined = resolve));

  function receive(batch: Batch): void | Promise<void> {
    const entry = current.get(partitionKey(batch));
    if (entry === undefined) return undefined;
    lag.set(partitionKey(batch), Math.max(0, batch.highWatermark - batch.nextOffset));
    next.set(partitionKey(batch), {
      topic: batch.topic,
      partition: batch.partition,
      offset: batch.nextOffset,
    });
    for (const offset of batch.redriven ?? [])
      logger.info('a record out of dead letters is read again', { ...facts(batch), offset });
    const decoded = decodeBatch(events, batch.records, entry.assignment.signal);
    if (decoded instanceof Promise || decoded.poison.length > 0)
      return receiveSlowly(entry.assignment, batch, decoded);
    return handle(entry.assignment, decoded.events, batch);
  }

  async function receiveSlowly(
    assignment: Assignment,
    batch: Batch,
    pending: ReturnType<typeof decodeBatch>,
  ): Promise<void> {
    const decoded = await pending;
    for (const poison of decoded.poison) {
      if (assignment.signal.aborted) return;
      await setAside(assignment, poison.record, poison.error);
      await handler.poisoned?.(assignment, poison);
    }
    if (!assignment.signal.aborted) await handle(assignment, decoded.events, batch);
  }

  function handle(
    assignment: Assignment,
    arrived: readonly LoggedEvent[],
    batch: Batch,
  ): void | Promise<void> {
    const { tracer } = events.telemetry;
    if (!tracer.on || handler.tracesItself === true)
      return handler.handle(assignment, arrived, batch, control);
    return handleTraced(tracer, options.group, arrived, (traced) =>
      handler.handle(assignment, traced, batch, control),
    );
  }

  async function setAside(assignment: Assignment, record: RawRecord, error: unknown): Promise<void> {
    const code = error instanceof CodecError ? error.code : errorCode(error);
    logger.warn('set a record aside', { ...facts(record), offset: record.offset, code });
    const reason = {
      group: options.group,
      errorClass: error instanceof Error ? error.name : 'unknown',
      errorCode: code,
      attempts: 1,
      firstFailedAt: record.timestamp,
    };
    const { topic, partitions } = options.deadLetters;
    await appendUntilDone(deadLetters, [deadLetter(record, reason, topic, partitions)], assignment.signal);
    events.telemetry.onDeadLetter(options.group);
  }

  function assign(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const abort = new AbortController();
      const assignment: Assignment = { ...partition, signal: abort.signal };
      current.set(partitionKey(partition), { assignment, abort });
      const begun = begin(assignment).finally(() => beginning.delete(begun));
      beginning.add(begun);
    }
  }

  async function begin(assignment: Assignment): Promise<void> {
    const member = await whenJoined;
    while (!assignment.signal.aborted) {
      try {
        const from = await handler.start(assignment, member);
        if (assignment.signal.aborted) return;
        await follower.add(assignment.topic, assignment.partition, from);
        return;
      } catch (error) {
        logger.warn('cannot start a partition yet', { ...facts(assignment), code: errorCode(error) });
        await pause(250);
      }
    }
  }

  function revoke(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const entry = current.get(partitionKey(partition));
      if (entry === undefined) continue;
      current.delete(partitionKey(partition));
      lag.delete(partitionKey(partition));
      next.delete(partitionKey(partition));
      follower.remove(partition.topic, partition.partition);
      entry.abort.abort();
      handler.revoked?.(entry.assignment);
    }
  }

  const member = await events.log.join({
    group: options.group,
    topics: options.topics,
    onAssigned: assign,
    onRevoked: revoke,
    onFailure: options.onFailure,
  });
  joined(member);
  const announcing = options.announce === true ? announcePositions(member, () => [...next.values()]) : null;

  return {
    membership: member,
    assigned: () => [...current.values()].map((entry) => entry.assignment),
    async reading() {
      await Promise.all(beginning);
    },
    lag: () => lag,
    async stop() {
      if (stopped) return;
      stopped = true;
      await follower.stop();
      await handler.leaving?.();
      announcing?.stop();
      // Leaving tells the others at once; a member that merely goes silent is missed at its session time-out.
      await member.leave();
      await deadLetters.close();
    },
  };
}

function facts(partition: TopicPartition): { readonly topic: string; readonly partition: number } {
  return { topic: partition.topic, partition: partition.partition };
}
