import type { LoggedEvent } from './event.ts';
import type { EventLog } from './event-log.ts';
import type { Batch, Follower, RawRecord } from './log.ts';
import { partitionKey } from './partition.ts';
import { decodeBatch } from './runner/decode-batch.ts';

/** What is looked for: the events of one key, from an offset of a partition on. */
export type Question<T> = {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly key: string;
  readonly signal: AbortSignal;
  /**
   * Called in log order with the key's next events, none where the partition held none, and the offset up to which it
   * was read. What it returns is the answer; undefined to read on.
   */
  readonly onEvents: (events: readonly LoggedEvent[], nextOffset: number) => T | undefined;
};

/** Reads partitions up to a fact, for several askers at once: who asks together reads together. */
export interface ReadUntil {
  /** Waits as long as the log does. Throws the signal's reason when it aborts, and what `onEvents` throws. */
  ask<T>(question: Question<T>): Promise<T>;
  stop(): Promise<void>;
}

type Ask = {
  readonly key: string;
  readonly from: number;
  /** Offset of the next record that it needs. */
  next: number;
  readonly take: (records: readonly RawRecord[], nextOffset: number) => void;
  readonly fail: (error: unknown) => void;
};

/** One position per partition, for all who ask about it. */
type Shared = {
  readonly topic: string;
  readonly partition: number;
  readonly asks: Set<Ask>;
  /** Offset of the next record that is read; null before it is placed. */
  position: number | null;
  /** Lowest offset that a new asker needs; null if none waits. */
  wanted: number | null;
};

/** Takeovers of one assignment come together: they are served by one reading. */
const GATHER_MS = 5;

export function openReadUntil(events: EventLog, name: string): ReadUntil {
  const partitions = new Map<string, Shared>();
  let follower: Follower | null = null;
  /** Places are taken one after the other: an earlier one that comes late would undo a later one. */
  let placing = Promise.resolve();

  function failAll(error: unknown): void {
    follower = null;
    const asks = [...partitions.values()].flatMap((shared) => [...shared.asks]);
    partitions.clear();
    for (const ask of asks) ask.fail(error);
  }

  function take({ topic, partition, records, nextOffset }: Batch): void {
    const shared = partitions.get(partitionKey({ topic, partition }));
    if (shared === undefined || shared.position === null) return;
    hand(shared, shared.position, records, nextOffset);
  }

  function hand(shared: Shared, start: number, records: readonly RawRecord[], nextOffset: number): void {
    shared.position = nextOffset;
    for (const ask of [...shared.asks]) {
      // It waits until the partition is read from earlier on.
      if (start > ask.next) continue;
      const own = records.filter(
        (record) => record.offset >= ask.next && record.key?.toString('utf8') === ask.key,
      );
      ask.next = Math.max(ask.next, nextOffset);
      ask.take(own, nextOffset);
    }
  }

  async function place(shared: Shared): Promise<void> {
    const { topic, partition, wanted } = shared;
    if (wanted === null || partitions.get(partitionKey({ topic, partition })) !== shared) return;
    shared.wanted = null;
    follower ??= events.log.openFollower({ name, onBatch: take, onFailure: failAll });
    const reader = follower;
    reader.remove(topic, partition);
    shared.position = wanted;
    const at = await reader.add(topic, partition, wanted);
    // Nobody is left who reads it.
    if (partitions.get(partitionKey({ topic, partition })) !== shared) return reader.remove(topic, partition);
    // Retention may have passed the offset: what is gone counts as read.
    if (at > wanted && shared.position === wanted) hand(shared, wanted, [], at);
  }

  function join(topic: string, partition: number, ask: Ask): Shared {
    const key = partitionKey({ topic, partition });
    const shared = partitions.get(key) ?? { topic, partition, asks: new Set(), position: null, wanted: null };
    partitions.set(key, shared);
    shared.asks.add(ask);
    if (shared.position !== null && shared.position <= ask.from) return shared;
    const waits = shared.wanted !== null;
    shared.wanted = Math.min(shared.wanted ?? ask.from, ask.from);
    if (!waits) {
      setTimeout(() => {
        placing = placing.then(() => place(shared)).catch((error: unknown) => failThese(shared, error));
      }, GATHER_MS);
    }
    return shared;
  }

  function failThese(shared: Shared, error: unknown): void {
    for (const ask of [...shared.asks]) ask.fail(error);
  }

  function leave(shared: Shared, ask: Ask): void {
    shared.asks.delete(ask);
    const key = partitionKey(shared);
    if (shared.asks.size > 0 || partitions.get(key) !== shared) return;
    partitions.delete(key);
    follower?.remove(shared.topic, shared.partition);
  }

  return {
    async ask<T>({ topic, partition, from, key, signal, onEvents }: Question<T>): Promise<T> {
      signal.throwIfAborted();
      let settled = false;
      let decoding = Promise.resolve();
      let resolve: (answer: T) => void = () => undefined;
      let reject: (error: unknown) => void = () => undefined;
      const answered = new Promise<T>((...both) => ([resolve, reject] = both));
      const ask: Ask = {
        ...{ key, from, next: from },
        take(records, nextOffset) {
          decoding = decoding
            .then(async () => {
              if (settled) return;
              const found = onEvents((await decodeBatch(events, records, signal)).events, nextOffset);
              if (found !== undefined) resolve(found);
            })
            .catch(reject);
        },
        fail: (error) => reject(error),
      };
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const shared = join(topic, partition, ask);
      try {
        return await answered;
      } finally {
        settled = true;
        signal.removeEventListener('abort', abort);
        leave(shared, ask);
      }
    },
    async stop() {
      await follower?.stop();
    },
  };
}
