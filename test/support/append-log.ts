import type { NewEvent } from '../../streams/event.ts';
import type { EventLog } from '../../streams/event-log.ts';

const AT_ONCE = 1_000;
const MOST_PENDING = 20_000;

/** Appends events in their order, many at once. Returns how many there were. */
export async function appendLog(events: EventLog, made: Iterable<NewEvent>): Promise<number> {
  const appender = events.openAppender('generated', 'later');
  let count = 0;
  let group: NewEvent[] = [];
  let failure: Error | null = null;
  let last: Promise<void> = Promise.resolve();
  const send = (): void => {
    count += group.length;
    last = appender.append(group);
    last.catch((error: unknown) => (failure ??= new Error('the log was not appended', { cause: error })));
    group = [];
  };
  const throwIfFailed = (): void => {
    if (failure !== null) throw failure;
  };
  for (const event of made) {
    group.push(event);
    if (group.length < AT_ONCE) continue;
    send();
    if (appender.pending > MOST_PENDING) await last;
    throwIfFailed();
  }
  send();
  await last;
  await appender.close();
  throwIfFailed();
  return count;
}
