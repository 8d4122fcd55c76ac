import type { LoggedEvent } from '../../streams/event.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { readToEnd } from '../../streams/runner/read-to-end.ts';

/** Reads a topic from its first to its present end, in log order per partition; keeps of each event what `keep` returns. */
export async function readTopic(
  events: EventLog,
  topic: string,
  keep: (event: LoggedEvent) => LoggedEvent = (event) => event,
): Promise<readonly LoggedEvent[]> {
  const found: LoggedEvent[] = [];
  await readToEnd(events, topic, {
    onEvents: (batch) => found.push(...batch.map(keep)),
    signal: new AbortController().signal,
  });
  return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
