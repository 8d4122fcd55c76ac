import { Consumer, ResponseError } from '@platformatic/kafka';
import { StenoError } from '../../runtime/errors.ts';
import type { Batch, Follower, FollowOptions } from '../log.ts';
import { readBatches } from './batches.ts';
import { baseOptions, type KafkaOptions } from './connection.ts';
import { readOffsets } from './offsets.ts';

/** Longest time a fetch is parked at the broker: a partition that is added waits at most so long. */
const MAX_WAIT_MS = 100;
const PARTITION_BYTES = 1024 * 1024;
const REQUEST_BYTES = 8 * 1024 * 1024;
const ERROR_PAUSE_MS = 100;
/** Kafka protocol error code 1. */
const OFFSET_OUT_OF_RANGE = 1;

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

type Position = {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly leader: number;
  next: number;
  /** Its batch is being handled: it is not fetched meanwhile. */
  busy: boolean;
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
    const metadata = await consumer.metadata({ topics: [topic] });
    const found = metadata.topics.get(topic);
    const leader = found?.partitions[partition]?.leader;
    if (found === undefined || leader === undefined) {
      throw new StenoError('topic_missing', `topic ${topic} has no partition ${partition}`, {
        fix: 'run steno topics apply',
      });
    }
    return { topicId: found.id, leader };
  }

  async function loop(node: number): Promise<void> {
    while (!stopped) {
      const ready = [...positions.values()].filter((position) => position.leader === node && !position.busy);
      if (ready.length === 0) {
        await new Promise<void>((resolve) => wake.push(resolve));
        continue;
      }
      try {
        deliver(ready, await fetchFrom(node, ready));
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
        handle(position, {
          topic: position.topic,
          partition: position.partition,
          records,
          nextOffset,
          highWatermark: Number(part.highWatermark),
        });
      }
    }
  }

  function handle(position: Position, batch: Batch): void {
    const done = (): void => {
      position.next = batch.nextOffset;
      position.busy = false;
    };
    try {
      const result = follow.onBatch(batch);
      if (result === undefined) return done();
      position.busy = true;
      result.then(() => {
        done();
        wakeAll();
      }, fail);
    } catch (error) {
      fail(error);
    }
  }

  async function recover(error: unknown, ready: readonly Position[]): Promise<void> {
    try {
      // One partition's error fails the whole call: the others' records are in the response it carries.
      const response = error instanceof ResponseError ? (error['response'] as FetchResponse) : null;
      if (response !== null) deliver(ready, response);
      for (const position of ready.filter((item) => isCurrent(item) && isOutOfRange(response, item))) {
        // Retention passed the position: go on at what is left.
        const [first] = await readOffsets(consumer, position.topic, 'earliest', [position.partition]);
        position.next = first ?? 0;
      }
      if (response === null) await pause(ERROR_PAUSE_MS);
      consumer.clearMetadata();
      for (const position of ready) {
        if (!isCurrent(position)) continue;
        const found = await locate(position.topic, position.partition);
        if (found.leader !== position.leader || found.topicId !== position.topicId) {
          place({ ...position, ...found });
        }
      }
    } catch {
      // The cluster does not answer: the loop asks again until it does or the reader stops.
      await pause(ERROR_PAUSE_MS);
    }
  }

  function place(position: Position): void {
    positions.set(keyOf(position), position);
    if (!loops.has(position.leader)) loops.set(position.leader, loop(position.leader).catch(fail));
    wakeAll();
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
      const { topicId, leader } = await locate(topic, partition);
      const next = typeof from === 'number' ? from : ((await readOffsets(consumer, topic, from, [partition]))[0] ?? 0);
      place({ topic, topicId, partition, leader, next, busy: false });
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

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
