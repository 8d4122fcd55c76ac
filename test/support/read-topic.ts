import { decodeBatch } from '../../streams/runner/decode-batch.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import type { EventLog } from '../../streams/event-log.ts';

/** Reads a topic from its first to its present end, in log order per partition; keeps of each event what `keep` returns. */
export async function readTopic(
  events: EventLog,
  topic: string,
  keep: (event: LoggedEvent) => LoggedEvent = (event) => event,
): Promise<readonly LoggedEvent[]> {
  const starts = await events.log.offsets(topic, 'earliest');
  const ends = await events.log.offsets(topic, 'end');
  const found: LoggedEvent[] = [];
  const behind = new Set(
    ends.flatMap((end, partition) => ((starts[partition] ?? 0) < end ? [partition] : [])),
  );
  if (behind.size === 0) return found;
  const signal = new AbortController().signal;
  await new Promise<void>((resolve, reject) => {
    const follower = events.log.openFollower({
      name: `read-${topic}`,
      onFailure: reject,
      async onBatch(batch) {
        const end = ends[batch.partition] ?? 0;
        const decoded = await decodeBatch(events, batch.records, signal);
        for (const event of decoded.events) if (event.offset < end) found.push(keep(event));
        if (batch.nextOffset >= end) behind.delete(batch.partition);
        if (behind.size === 0) void follower.stop().then(resolve, reject);
      },
    });
    for (const partition of behind) follower.add(topic, partition, starts[partition] ?? 0).catch(reject);
  });
  return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
