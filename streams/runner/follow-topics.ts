import type { LoggedEvent } from '../event.ts';
import type { EventLog } from '../event-log.ts';
import { partitionKey } from '../partition.ts';
import { decodeBatch } from './decode-batch.ts';

/** Reads topics whole, without a group: everybody who follows them knows everything on them. */
export interface TopicFollower {
  stop(): Promise<void>;
}

/**
 * Follows topics, one after the other read up to where it ends now; resolves when all that lay there was handed over.
 * `from` says where a partition begins to be read, given its first and its next offset: from its first where left out.
 * Throws as Follower.add does.
 */
export async function followTopics(
  events: EventLog,
  topics: readonly string[],
  options: {
    readonly name: string;
    readonly from?: (topic: string, partition: number, first: number, next: number) => number;
    readonly onEvent: (event: LoggedEvent) => void;
    /** A record that cannot be decoded was left out: everybody reads all, so nobody sets it aside. */
    readonly onPoison: () => void;
    readonly onFailure: (error: unknown) => void;
  },
): Promise<TopicFollower> {
  const stopping = new AbortController();
  /** Where each partition ended when it was added. */
  const behind = new Map<string, number>();
  const failures: unknown[] = [];
  let wake: () => void = () => undefined;

  const follower = events.log.openFollower({
    name: options.name,
    onFailure(error) {
      failures.push(error);
      wake();
      options.onFailure(error);
    },
    async onBatch(batch) {
      const decoded = await decodeBatch(events, batch.records, stopping.signal);
      for (const _ of decoded.poison) options.onPoison();
      for (const event of decoded.events) options.onEvent(event);
      const key = partitionKey(batch);
      const end = behind.get(key);
      if (end === undefined || batch.nextOffset < end) return;
      behind.delete(key);
      if (behind.size === 0) wake();
    },
  });

  try {
    for (const topic of topics) {
      const ends = await events.log.offsets(topic, 'end');
      const firsts = await events.log.offsets(topic, 'earliest');
      for (const [partition, end] of ends.entries()) {
        const first = firsts[partition] ?? 0;
        const start = Math.max(first, options.from?.(topic, partition, first, end) ?? first);
        if (start < end) behind.set(partitionKey({ topic, partition }), end);
        await follower.add(topic, partition, start);
      }
      while (behind.size > 0) {
        if (failures.length > 0) throw failures[0];
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } catch (error) {
    await follower.stop();
    throw error;
  }
  return {
    async stop() {
      stopping.abort();
      await follower.stop();
    },
  };
}
