import type { LoggedEvent } from '../event.ts';
import type { EventLog } from '../event-log.ts';
import type { RawRecord } from '../log.ts';
import { decodeBatch } from './decode-batch.ts';

/** What is read of a topic. */
export type ToEnd = {
  /** All if left out. */
  readonly partitions?: readonly number[];
  /** Records that are decoded; all if left out. A look at the key spares the rest. */
  readonly wants?: (record: RawRecord) => boolean;
  /** Called with the events of each batch, in the order of their partition. */
  readonly onEvents: (events: readonly LoggedEvent[]) => void;
  /** Called with the number of records read so far, and of those that there were at the start. */
  readonly onProgress?: (read: number, all: number) => void;
  readonly signal: AbortSignal;
};

/**
 * Reads a topic from its first record to what was its end when this was called. Records that nobody can decode are passed
 * over. Throws as the log does, and the signal's reason once it is aborted.
 */
export async function readToEnd(events: EventLog, topic: string, options: ToEnd): Promise<void> {
  const { wants = () => true, onEvents, onProgress, signal } = options;
  const { log } = events;
  const [starts, ends] = await Promise.all([log.offsets(topic, 'earliest'), log.offsets(topic, 'end')]);
  const behind = new Map<number, number>();
  for (const partition of options.partitions ?? ends.keys()) {
    const start = starts[partition] ?? 0;
    if (start < (ends[partition] ?? 0)) behind.set(partition, start);
  }
  if (behind.size === 0) return;
  const all = [...behind].reduce((sum, [partition, start]) => sum + (ends[partition] ?? 0) - start, 0);
  let read = 0;
  await new Promise<void>((resolve, reject) => {
    const stop = (error: unknown): void => {
      follower.stop().then(() => reject(error as Error), reject);
    };
    const follower = log.openFollower({
      name: `read-${topic}`,
      onFailure: stop,
      async onBatch({ partition, records, nextOffset }) {
        const end = ends[partition] ?? 0;
        const wanted = records.filter((record) => record.offset < end && wants(record));
        const decoded = await decodeBatch(events, wanted, signal);
        if (decoded.events.length > 0) onEvents(decoded.events);
        const from = behind.get(partition);
        if (from === undefined) return;
        read += Math.min(nextOffset, end) - from;
        onProgress?.(read, all);
        if (nextOffset < end) behind.set(partition, nextOffset);
        else behind.delete(partition);
        if (behind.size > 0) return;
        signal.removeEventListener('abort', abort);
        void follower.stop().then(resolve, reject);
      },
    });
    const abort = (): void => stop(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    for (const [partition, start] of behind) follower.add(topic, partition, start).catch(stop);
  });
}
