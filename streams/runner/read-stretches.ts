import type { Log, RawRecord, TopicPartition } from '../log.ts';
import { partitionKey } from '../partition.ts';

/** Records of one partition: from an offset to before another. */
export type Stretch = TopicPartition & { readonly from: number; readonly to: number };

/**
 * Reads stretches of the log, several partitions at once, each in its order. What the log no longer has, or does not have
 * yet, is passed over. Throws as the log does, and the signal's reason once it is aborted.
 */
export async function readStretches(
  log: Log,
  stretches: readonly Stretch[],
  options: {
    readonly name: string;
    /** The next batch of a partition is handed over when this has resolved. */
    readonly onRecords: (place: TopicPartition, records: readonly RawRecord[]) => void | Promise<void>;
    /** Called with the number of records read so far, and of those that there were at the start. */
    readonly onProgress?: (read: number, all: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { name, onRecords, onProgress, signal } = options;
  signal.throwIfAborted();
  const behind = await withinLog(log, stretches);
  if (behind.size === 0) return;
  const starts = [...behind.values()].map((stretch) => ({ ...stretch }));
  const all = starts.reduce((sum, { from, to }) => sum + to - from, 0);
  let read = 0;
  await new Promise<void>((resolve, reject) => {
    const stop = (error: unknown): void => {
      follower.stop().then(() => reject(error as Error), reject);
    };
    const follower = log.openFollower({
      name,
      onFailure: stop,
      async onBatch({ topic, partition, records, nextOffset }) {
        const stretch = behind.get(partitionKey({ topic, partition }));
        if (stretch === undefined) return;
        const { to } = stretch;
        const last = records.at(-1);
        const wanted =
          last === undefined || last.offset < to ? records : records.filter(({ offset }) => offset < to);
        if (wanted.length > 0) await onRecords({ topic, partition }, wanted);
        read += Math.min(nextOffset, to) - stretch.from;
        onProgress?.(read, all);
        if (nextOffset < to) stretch.from = nextOffset;
        else {
          behind.delete(partitionKey(stretch));
          follower.remove(topic, partition);
        }
        if (behind.size > 0) return;
        signal.removeEventListener('abort', abort);
        void follower.stop().then(resolve, reject);
      },
    });
    const abort = (): void => stop(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    for (const { topic, partition, from } of starts) follower.add(topic, partition, from).catch(stop);
  });
}

/** What there is of the stretches. */
async function withinLog(
  log: Log,
  stretches: readonly Stretch[],
): Promise<Map<string, { topic: string; partition: number; from: number; to: number }>> {
  const topics = [...new Set(stretches.map(({ topic }) => topic))];
  const edges = new Map(
    await Promise.all(
      topics.map(
        async (topic) =>
          [topic, await Promise.all([log.offsets(topic, 'earliest'), log.offsets(topic, 'end')])] as const,
      ),
    ),
  );
  const found = new Map<string, { topic: string; partition: number; from: number; to: number }>();
  for (const { topic, partition, from, to } of stretches) {
    const [firsts, ends] = edges.get(topic) ?? [];
    const stretch = {
      ...{ topic, partition },
      from: Math.max(from, firsts?.[partition] ?? 0),
      to: Math.min(to, ends?.[partition] ?? 0),
    };
    if (stretch.from < stretch.to) found.set(partitionKey(stretch), stretch);
  }
  return found;
}
