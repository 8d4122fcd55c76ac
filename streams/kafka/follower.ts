import { setTimeout as pause } from 'node:timers/promises';
import { Consumer, type Broker } from '@platformatic/kafka';
import { errorMessage, StenoError } from '../../runtime/errors.ts';
import type { Batch, Follower, FollowOptions } from '../log.ts';
import { partitionKey } from '../partition.ts';
import { baseOptions, connectionOptions, type KafkaOptions } from './connection.ts';
import { readOffsets } from './offsets.ts';
import { paceOf } from './pace.ts';
import { sortOutRedriven } from './sort-out-redriven.ts';
import { BrokerConnections } from './wire/broker-connections.ts';
import { FetchSession } from './wire/fetch-session.ts';
import { decodeFetch, FETCH, wireKey, type FetchedPartition } from './wire/fetch.ts';
import { readBatches } from './wire/record-batch.ts';

/** Longest time a fetch is parked at the broker: a partition that is added waits at most so long. */
const MAX_WAIT_MS = 100;
const PARTITION_BYTES = 1024 * 1024;
/** Of a patient reader, whose handlers may keep all of it for long. */
const PATIENT_PARTITION_BYTES = 64 * 1024;
const REQUEST_BYTES = 8 * 1024 * 1024;
const ERROR_PAUSE_MS = 100;
/** Kafka protocol error code 1. */
const OFFSET_OUT_OF_RANGE = 1;
/** A partition whose handler is behind by so many bytes is not fetched until it has caught up. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;

type Position = {
  readonly topic: string;
  readonly partition: number;
  topicId: string;
  /** How a response names it. */
  wireKey: string;
  leader: number;
  /** Offset to fetch next: everything before it was handed over or waits in the queue. */
  next: number;
  /** Its batch is being handled. It is fetched meanwhile, or a parked fetch of others would delay its next record. */
  busy: boolean;
  readonly queue: { readonly batch: Batch; readonly bytes: number }[];
  queuedBytes: number;
};

/** A partition that could not be read, and the Kafka protocol error code that says why. */
type Failed = { readonly position: Position; readonly errorCode: number };
type Delivered = { readonly count: number; readonly failed: readonly Failed[] };
const nothing: Delivered = { count: 0, failed: [] };

/**
 * Opens a reader with its own connection, so that a parked fetch delays nobody else's request. The positions are
 * ours; the client library only carries the requests (its stream rewinds kept partitions at every rebalance, and its
 * fetch makes an object of every header).
 */
export function openFollower(options: KafkaOptions, follow: FollowOptions): Follower {
  const base = baseOptions(options, follow.name);
  // For metadata and offsets; fetches travel on a connection of their own.
  const consumer = new Consumer({
    ...base,
    groupId: `${options.clientId}-${follow.name}`,
    retries: 0,
  });
  const connections = new BrokerConnections(base.clientId, connectionOptions(base));
  const positions = new Map<string, Position>();
  const brokers = new Map<number, Broker>();
  const loops = new Map<number, Promise<void>>();
  let wake: (() => void)[] = [];
  let stopped = false;
  const isPatient = follow.isPatient === true;

  async function locate(
    topic: string,
    partition: number,
  ): Promise<Pick<Position, 'topicId' | 'wireKey' | 'leader'>> {
    let found;
    try {
      const metadata = await consumer.metadata({ topics: [topic] });
      found = metadata.topics.get(topic);
      for (const [node, broker] of metadata.brokers) brokers.set(node, broker);
    } catch (error) {
      if (!errorMessage(error).includes('Unknown topic')) throw unreachable(topic, error);
    }
    const leader = found?.partitions[partition]?.leader;
    if (found === undefined || leader === undefined) {
      throw new StenoError('topic_missing', `topic ${topic} has no partition ${partition}`, {
        fix: 'run steno topics apply',
      });
    }
    return { topicId: found.id, wireKey: wireKey(found.id, partition), leader };
  }

  async function edge(topic: string, partition: number, which: 'earliest' | 'end'): Promise<number> {
    try {
      return (await readOffsets(consumer, topic, which, [partition]))[0] ?? 0;
    } catch (error) {
      throw unreachable(topic, error);
    }
  }

  async function loop(node: number): Promise<void> {
    const pace = paceOf('now');
    const session = new FetchSession({
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: REQUEST_BYTES,
      partitionMaxBytes: isPatient ? PATIENT_PARTITION_BYTES : PARTITION_BYTES,
    });
    while (!stopped) {
      const ready = [...positions.values()].filter(
        (position) => position.leader === node && mayFetch(position),
      );
      if (ready.length === 0) {
        await new Promise<void>((resolve) => wake.push(resolve));
        continue;
      }
      try {
        await pace.wait(performance.now());
        const askedAt = performance.now();
        const parts = await fetchFrom(node, session, ready);
        const { count, failed } = deliver(ready, parts);
        pace.note(askedAt, count);
        if (failed.length > 0) await recover(ready, failed);
        // Handlers that finish within this turn of the event loop are in the next fetch already.
        if (ready.some((position) => position.busy)) await new Promise(setImmediate);
      } catch {
        if (stopped) return;
        session.reset();
        await recover(ready, []);
      }
    }
  }

  function mayFetch({ busy, queuedBytes }: Position): boolean {
    return isPatient ? !busy && queuedBytes === 0 : queuedBytes < MAX_QUEUED_BYTES;
  }

  async function fetchFrom(
    node: number,
    session: FetchSession,
    ready: readonly Position[],
  ): Promise<readonly FetchedPartition[]> {
    const broker = brokers.get(node);
    if (broker === undefined) throw new StenoError('broker_unreachable', `broker ${node} is not known`);
    const response = await connections.ask(broker, FETCH, session.request(ready), decodeFetch);
    if (!session.note(response)) return [];
    if (response.errorCode === 0) return response.partitions;
    throw new StenoError('broker_unreachable', `broker ${node} refuses to be read`, {
      retryable: true,
      facts: { errorCode: response.errorCode },
    });
  }

  /** Hands over what was read. Returns how much, and the partitions that the broker had no records of but an error. */
  function deliver(asked: readonly Position[], parts: readonly FetchedPartition[]): Delivered {
    if (parts.length === 0) return nothing;
    const byKey = new Map(asked.map((position) => [position.wireKey, position]));
    const failed: Failed[] = [];
    let count = 0;
    for (const { wireKey: key, partition, errorCode, highWatermark, records: bytes } of parts) {
      const position = byKey.get(key);
      if (position === undefined || !isCurrent(position)) continue;
      if (errorCode !== 0) failed.push({ position, errorCode });
      if (errorCode !== 0 || bytes === null) continue;
      const { records: read, nextOffset } = readBatches(position.topic, partition, bytes, position.next);
      if (nextOffset === position.next) continue;
      position.next = nextOffset;
      count += read.length;
      const seen = sortOutRedriven(read, follow.seesRedriven);
      const batch = { topic: position.topic, partition, ...seen, nextOffset, highWatermark };
      receive(position, batch, bytes.length);
    }
    return { count, failed };
  }

  function receive(position: Position, batch: Batch, bytes: number): void {
    if (!position.busy) return hand(position, batch);
    position.queue.push({ batch, bytes });
    position.queuedBytes += bytes;
  }

  function hand(position: Position, batch: Batch): void {
    try {
      const result = follow.onBatch(batch);
      if (result === undefined) return;
      position.busy = true;
      result.then(() => {
        position.busy = false;
        handQueued(position);
      }, fail);
    } catch (error) {
      fail(error);
    }
  }

  function handQueued(position: Position): void {
    const wasFull = isPatient || position.queuedBytes >= MAX_QUEUED_BYTES;
    while (!position.busy && isCurrent(position)) {
      const queued = position.queue.shift();
      if (queued === undefined) break;
      position.queuedBytes -= queued.bytes;
      hand(position, queued.batch);
    }
    if (wasFull && mayFetch(position)) wakeAll();
  }

  /** The leader may have moved, or retention passed a position; a whole fetch that failed names no partition. */
  async function recover(asked: readonly Position[], failed: readonly Failed[]): Promise<void> {
    try {
      const outOfRange = failed.filter(({ errorCode }) => errorCode === OFFSET_OUT_OF_RANGE);
      for (const { position } of outOfRange) {
        const [first] = await readOffsets(consumer, position.topic, 'earliest', [position.partition]);
        position.next = first ?? 0;
      }
      if (failed.length > 0 && outOfRange.length === failed.length) return;
      await pause(ERROR_PAUSE_MS);
      consumer.clearMetadata();
      for (const position of asked) {
        if (!isCurrent(position)) continue;
        Object.assign(position, await locate(position.topic, position.partition));
        runLoop(position.leader);
      }
      wakeAll();
    } catch {
      // The cluster does not answer: the loop asks again until it does or the reader stops.
      await pause(ERROR_PAUSE_MS);
    }
  }

  function runLoop(node: number): void {
    if (!stopped && !loops.has(node)) loops.set(node, loop(node).catch(fail));
  }

  function isCurrent(position: Position): boolean {
    return !stopped && positions.get(partitionKey(position)) === position;
  }

  function wakeAll(): void {
    const woken = wake;
    wake = [];
    for (const resolve of woken) resolve();
  }

  function fail(error: unknown): void {
    if (stopped) return;
    stopped = true;
    wakeAll();
    follow.onFailure(error);
  }

  return {
    async add(topic, partition, from) {
      consumer.topics.track(topic);
      const found = await locate(topic, partition);
      const next = typeof from === 'number' ? from : await edge(topic, partition, from);
      const position = { topic, partition, ...found, next, busy: false, queue: [], queuedBytes: 0 };
      positions.set(partitionKey(position), position);
      runLoop(position.leader);
      wakeAll();
      return next;
    },
    remove(topic, partition) {
      positions.delete(partitionKey({ topic, partition }));
    },
    async stop() {
      stopped = true;
      wakeAll();
      await connections.close();
      await consumer.close(true);
      await Promise.all(loops.values());
    },
  };
}

function unreachable(topic: string, cause: unknown): StenoError {
  return new StenoError('broker_unreachable', `no broker tells where ${topic} lies`, {
    retryable: true,
    fix: 'start it or set STENO_KAFKA_BROKERS',
    cause,
  });
}
