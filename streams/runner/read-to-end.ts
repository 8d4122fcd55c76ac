import type { LoggedEvent } from '../event.ts';
import type { EventLog } from '../event-log.ts';
import type { RawRecord } from '../log.ts';
import { decodeBatch } from './decode-batch.ts';
import { readStretches } from './read-stretches.ts';

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
  const ends = await events.log.offsets(topic, 'end');
  const partitions = options.partitions ?? ends.keys();
  const stretches = [...partitions].map((partition) => ({
    topic,
    partition,
    from: 0,
    to: ends[partition] ?? 0,
  }));
  await readStretches(events.log, stretches, {
    name: `read-${topic}`,
    async onRecords(_place, records) {
      const decoded = await decodeBatch(events, records.filter(wants), signal);
      if (decoded.events.length > 0) onEvents(decoded.events);
    },
    ...(onProgress === undefined ? {} : { onProgress }),
    signal,
  });
}
