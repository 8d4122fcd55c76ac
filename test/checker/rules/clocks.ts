import type { LoggedEvent } from '../../../streams/event.ts';
import type { Evidence, Rule } from '../evidence.ts';

/** The harness reads the clock a little before and after the broker does. */
const TOLERANCE_MS = 5_000;

export const clocks: Rule = {
  promise: 'P23',
  says: 'times are the broker’s, whatever the clock of a role says',
  check,
};

function check({ log, began, ended }: Evidence): readonly string[] {
  const problems: string[] = [];
  const last = new Map<string, LoggedEvent>();
  for (const event of Object.values(log).flat()) {
    const partition = `${event.topic}/${event.partition}`;
    const before = last.get(partition);
    last.set(partition, event);
    const place = `${partition}@${event.offset}`;
    if (event.time < began - TOLERANCE_MS || event.time > ended + TOLERANCE_MS)
      problems.push(`${place}: ${event.type} at ${new Date(event.time).toISOString()}, out of the run`);
    if (before !== undefined && before.offset < event.offset && before.time > event.time)
      problems.push(`${place}: earlier than the record before it`);
  }
  return problems;
}
