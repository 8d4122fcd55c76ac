import type { LoggedEvent } from '../streams/event.ts';
import type { EventLog } from '../streams/event-log.ts';
import { partitionOf } from '../streams/partition.ts';
import { readToEnd } from '../streams/runner/read-to-end.ts';

/** How the log is read for somebody who looks: nothing is written, and no group has a position in it. */
export type Reading = {
  readonly events: EventLog;
  /** Records of the topic that is being read, and how many there are. */
  readonly onProgress: (read: number, all: number) => void;
  readonly signal: AbortSignal;
};

/** Reads the events of a key in log order; `at` names partitions where it is not the key that decides. */
export async function ofKey(
  { events, signal, onProgress }: Reading,
  topic: string,
  key: string,
  keep: (event: LoggedEvent) => boolean,
  at?: readonly number[],
): Promise<readonly LoggedEvent[]> {
  const found: LoggedEvent[] = [];
  const wanted = Buffer.from(key, 'utf8');
  const partitions = at ?? [partitionOf(key, await events.log.partitionCount(topic))];
  await readToEnd(events, topic, {
    partitions,
    wants: (record) => record.key?.equals(wanted) ?? false,
    onEvents: (batch) => found.push(...batch.filter(keep)),
    onProgress,
    signal,
  });
  return found;
}
