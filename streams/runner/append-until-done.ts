import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../runtime/errors.ts';

const PAUSE_MS = 200;

type Appends<R> = { append(records: readonly R[]): Promise<void> };

/**
 * Appends, and appends again as long as the result is unknown and the signal allows: for records whose ids are derived,
 * so that a repeat is dropped by every fold. Throws what is no matter of patience, and the signal's reason when it
 * aborts before the log acknowledged.
 */
export function appendUntilDone<R>(
  appender: Appends<R>,
  records: readonly R[],
  signal: AbortSignal,
): Promise<void> {
  // Every delta passes here: one promise, as long as nothing goes wrong.
  if (signal.aborted) return appendAgain(appender, records, signal);
  return appender.append(records).catch((error: unknown) => {
    if (errorCode(error) !== 'append_unknown') throw error;
    return pause(PAUSE_MS).then(() => appendAgain(appender, records, signal));
  });
}

async function appendAgain<R>(
  appender: Appends<R>,
  records: readonly R[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  return appendUntilDone(appender, records, signal);
}
