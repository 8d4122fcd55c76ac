import type { EventLog } from '../../streams/event-log.ts';
import type { Batch } from '../../streams/log.ts';
import { partitionKey } from '../../streams/partition.ts';
import { decodeBatch } from '../../streams/runner/decode-batch.ts';
import { cursorOf } from './cursor.ts';
import { isWanted, type EventFilter } from './event-filter.ts';
import { eventJson } from './event-json.ts';
import type { SubscribableTopic } from './plan.ts';
import type { Place } from './start-places.ts';

/** Whoever gets the events. */
export type Subscriber = {
  write(text: string): void;
  /** Resolves when more may be written. */
  writable(): Promise<void>;
};

/** One reader of its own over the topics of a plan. It is read no faster than its subscriber takes what is wanted. */
export interface Subscription {
  /** Id that a subscriber sends to go on from here. */
  cursor(): string;
  stop(): Promise<void>;
}

/** Written together before anybody waits for the subscriber. */
const BYTES_AT_ONCE = 64 * 1024;

/**
 * Begins to read at `places`. Every wanted event is written as a server-sent event whose id is the cursor behind it, in
 * the order of its partition. Throws as Follower.add does.
 */
export async function openSubscription(options: {
  readonly events: EventLog;
  readonly nameOf: (topic: SubscribableTopic) => string;
  readonly places: readonly Place[];
  readonly filter: EventFilter;
  readonly subscriber: Subscriber;
  /** All that lay there at the start was handed over. */
  readonly onCaughtUp: (cursor: string) => void;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Promise<Subscription> {
  const { events, nameOf, places, filter, subscriber } = options;
  const stopping = new AbortController();
  const topics = new Map(places.map(({ topic }) => [nameOf(topic), topic]));
  const positions = new Map<string, (number | null)[]>();
  const behind = new Map<string, number>();
  for (const { topic, partition, start, end } of places) {
    const offsets = positions.get(topic) ?? [];
    while (offsets.length < partition) offsets.push(null);
    offsets[partition] = start;
    positions.set(topic, offsets);
    if (start < end) behind.set(partitionKey({ topic, partition }), end);
  }
  const isAtEnd = behind.size === 0;
  /** Partitions take turns: what waits for the subscriber is of one of them. */
  let turn = Promise.resolve();

  function note(topic: SubscribableTopic, partition: number, next: number): void {
    const offsets = positions.get(topic);
    if (offsets !== undefined) offsets[partition] = next;
    const key = partitionKey({ topic, partition });
    const end = behind.get(key);
    if (end === undefined || next < end) return;
    behind.delete(key);
    if (behind.size === 0) options.onCaughtUp(cursorOf(positions));
  }

  async function hand(batch: Batch): Promise<void> {
    const topic = topics.get(batch.topic);
    if (topic === undefined) return;
    const decoded = await decodeBatch(events, batch.records, stopping.signal);
    for (const _ of decoded.poison) options.onPoison();
    let written = 0;
    for (const event of decoded.events) {
      if (stopping.signal.aborted) return;
      if (!isWanted(filter, event)) continue;
      const offsets = positions.get(topic);
      if (offsets !== undefined) offsets[batch.partition] = event.offset + 1;
      const text = `id: ${cursorOf(positions)}\ndata: ${eventJson(event, topic)}\n\n`;
      subscriber.write(text);
      written += text.length;
      if (written < BYTES_AT_ONCE) continue;
      written = 0;
      await subscriber.writable();
    }
    if (written > 0) await subscriber.writable();
    if (!stopping.signal.aborted) note(topic, batch.partition, batch.nextOffset);
  }

  const follower = events.log.openFollower({
    name: 'subscription',
    isPatient: true,
    onBatch(batch) {
      turn = turn.then(() => hand(batch));
      return turn;
    },
    onFailure: options.onFailure,
  });
  try {
    for (const { topic, partition, start } of places) await follower.add(nameOf(topic), partition, start);
  } catch (error) {
    await follower.stop();
    throw error;
  }
  if (isAtEnd) options.onCaughtUp(cursorOf(positions));
  return {
    cursor: () => cursorOf(positions),
    async stop() {
      stopping.abort();
      await follower.stop();
    },
  };
}
