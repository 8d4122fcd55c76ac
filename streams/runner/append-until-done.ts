import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../../runtime/errors.ts';

const PAUSE_MS = 200;

/**
 * Appends, and appends again as long as the result is unknown and the signal allows: for records whose ids are derived,
 * so that a repeat is dropped by every fold. Throws what is no matter of patience, and the signal's reason when it
 * aborts before the log acknowledged.
 */
export async function appendUntilDone<R>(
  appender: { append(records: readonly R[]): Promise<void> },
  records: readonly R[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await appender.append(records);
    } catch (error) {
      if (errorCode(error) !== 'append_unknown') throw error;
    }
    await pause(PAUSE_MS);
  }
}
