import { setTimeout as pause } from 'node:timers/promises';
import { Consumer, ResponseError } from '@platformatic/kafka';
import { errorMessage, StenoError } from '../../runtime/errors.ts';
import type { Batch, Follower, FollowOptions } from '../log.ts';
import { readBatches } from './batches.ts';
import { baseOptions, type KafkaOptions } from './connection.ts';
import { readOffsets } from './offsets.ts';
import { Pace } from './pace.ts';

/** Longest time a fetch is parked at the broker: a partition that is added waits at most so long. */
const MAX_WAIT_MS = 100;
const PARTITION_BYTES = 1024 * 1024;
const REQUEST_BYTES = 8 * 1024 * 1024;
const ERROR_PAUSE_MS = 100;
/** Kafka protocol error code 1. */
const OFFSET_OUT_OF_RANGE = 1;

/** Kafka protocol error codes of a fetch session that the broker or the client has lost; the next fetch opens another. */
const FETCH_SESSION_ERRORS: ReadonlySet<number> = new Set([70, 71, 106]);
/** A partition whose handler is behind by so many bytes is not fetched until it has caught up. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

type Position = {
  readonly topic: string;
  readonly partition: number;
  topicId: string;
  leader: number;
  /** Offset to fetch next: everything before it was handed over or waits in the queue. */
  next: number;
  /** Its batch is being handled. It is fetched meanwhile, or a parked fetch of others would delay its next record. */
  busy: boolean;
  readonly queue: Batch[];
  queuedBytes: number;
};

/**
 * Opens a reader with its own connection, so that a parked fetch delays nobody else's request. The positions are
 * ours; the client library only carries the requests (its stream rewinds kept partitions at every rebalance).
 */
export function openFollower(options: KafkaOptions, follow: FollowOptions): Follower {
  const consumer = new Consumer({
    ...baseOptions(options, follow.name),
    groupId: `${options.clientId}-${follow.name}`,
    retries: 0,
    maxWaitTime: MAX_WAIT_MS,
    minBytes: 1,
  });
  const positions = new Map<string, Position>();
  const loops = new Map<number, Promise<void>>();
  let wake: (() => void)[] = [];
  let stopped = false;

  async function locate(topic: string, partition: number): Promise<{ topicId: string; leader: number }> {
    let found;
    try {
      found = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
    } catch (error) {
      if (!errorMessage(error).includes('Unknown topic')) throw unreachable(topic, error);
    }
    const leader = found?.partitions[partition]?.leader;
    if (found === undefined || leader === undefined) {
      throw new StenoError('topic_missing', `topic ${topic} has no partition ${partition}`, {
        fix: 'run steno topics apply',
      });
    }
    return { topicId: found.id, leader };
  }

  async function edge(topic: string, partition: number, which: 'earliest' | 'end'): Promise<number> {
    try {
      return (await readOffsets(consumer, topic, which, [partition]))[0] ?? 0;
    } catch (error) {
      throw unreachable(topic, error);
    }
  }

  async function loop(node: number): Promise<void> {
    const pace = new Pace();
    while (!stopped) {
      const ready = [...positions.values()].filter(
        (position) => position.leader === node && position.queuedBytes < MAX_QUEUED_BYTES,
      );
      if (ready.length === 0) {
        await new Promise<void>((resolve) => wake.push(resolve));
        continue;
      }
      try {
        await pace.wait(performance.now());
        pace.note(performance.now());
        deliver(ready, await fetchFrom(node, ready));
        // Handlers that finish within this turn of the event loop are in the next fetch already.
        if (ready.some((position) => position.busy)) await new Promise(setImmediate);
      } catch (error) {
        if (stopped) return;
        await recover(error, ready);
      }
    }
  }

  function fetchFrom(node: number, ready: readonly Position[]): Promise<FetchResponse> {
    const byTopic = new Map<string, Position[]>();
    for (const position of ready) {
      const list = byTopic.get(position.topicId);
      if (list === undefined) byTopic.set(position.topicId, [position]);
      else list.push(position);
    }
    return consumer.fetch({
      node,
      maxWaitTime: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: REQUEST_BYTES,
      isolationLevel: 0,
      topics: [...byTopic].map(([topicId, list]) => ({
        topicId,
        partitions: list.map((position) => ({
          partition: position.partition,
          fetchOffset: BigInt(position.next),
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1,
          partitionMaxBytes: PARTITION_BYTES,
        })),
      })),
    });
  }

  function deliver(asked: readonly Position[], response: FetchResponse): void {
    const byKey = new Map(asked.map((position) => [`${position.topicId}:${position.partition}`, position]));
    for (const topic of response.responses) {
      for (const part of topic.partitions) {
        const position = byKey.get(`${topic.topicId}:${part.partitionIndex}`);
        if (position === undefined || part.errorCode !== 0 || !isCurrent(position)) continue;
        const { records, nextOffset } = readBatches(
          position.topic,
          position.partition,
          part.records ?? [],
          position.next,
        );
        if (nextOffset === position.next) continue;
        position.next = nextOffset;
        receive(position, {
          topic: position.topic,
          partition: position.partition,
          records,
          nextOffset,
          highWatermark: Number(part.highWatermark),
        });
      }
    }
  }

  function receive(position: Position, batch: Batch): void {
    if (!position.busy) return hand(position, batch);
    position.queue.push(batch);
    position.queuedBytes += bytesOf(batch);
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
    const wasFull = position.queuedBytes >= MAX_QUEUED_BYTES;
    while (!position.busy && isCurrent(position)) {
      const batch = position.queue.shift();
      if (batch === undefined) break;
      position.queuedBytes -= bytesOf(batch);
      hand(position, batch);
    }
    if (wasFull && position.queuedBytes < MAX_QUEUED_BYTES) wakeAll();
  }

  async function recover(error: unknown, ready: readonly Position[]): Promise<void> {
    try {
      // One partition's error fails the whole call: the others' records are in the response it carries.
      const response = error instanceof ResponseError ? (error['response'] as FetchResponse) : null;
      if (response !== null) deliver(ready, response);
      const outOfRange = ready.filter((item) => isCurrent(item) && isOutOfRange(response, item));
      for (const position of outOfRange) {
        // Retention passed the position: go on at what is left.
        const [first] = await readOffsets(consumer, position.topic, 'earliest', [position.partition]);
        position.next = first ?? 0;
      }
      if (outOfRange.length > 0 || (response !== null && FETCH_SESSION_ERRORS.has(response.errorCode)))
        return;
      await pause(ERROR_PAUSE_MS);
      consumer.clearMetadata();
      for (const position of ready) {
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
    return !stopped && positions.get(keyOf(position)) === position;
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
      positions.set(keyOf(position), position);
      runLoop(position.leader);
      wakeAll();
      return next;
    },
    remove(topic, partition) {
      positions.delete(keyOf({ topic, partition }));
    },
    async stop() {
      stopped = true;
      wakeAll();
      await consumer.close(true);
      await Promise.all(loops.values());
    },
  };
}

function keyOf(position: { readonly topic: string; readonly partition: number }): string {
  return `${position.topic}/${position.partition}`;
}

function isOutOfRange(response: FetchResponse | null, position: Position): boolean {
  const topic = response?.responses.find((item) => item.topicId === position.topicId);
  const part = topic?.partitions.find((item) => item.partitionIndex === position.partition);
  return part?.errorCode === OFFSET_OUT_OF_RANGE;
}

function bytesOf(batch: Batch): number {
  return batch.records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
}

function unreachable(topic: string, cause: unknown): StenoError {
  return new StenoError('broker_unreachable', `no broker tells where ${topic} lies`, {
    retryable: true,
    fix: 'start it or set STENO_KAFKA_BROKERS',
    cause,
  });
}
