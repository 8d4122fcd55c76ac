import { StenoError } from '../runtime/errors.ts';
import type { Database } from '../storage/database.ts';

const SCRUB_PAUSE_MS = 1_000;

/** Takes erased bytes out of the database's files within about a second, however many erasures come. */
export function openScrubber(
  database: Database,
  fail: (error: unknown) => void,
): { readonly request: () => void; readonly stop: () => void } {
  // What an earlier process erased just before it died.
  let timer: NodeJS.Timeout | null = setTimeout(scrub, 0);

  function scrub(): void {
    timer = null;
    try {
      if (!database.scrub()) request();
    } catch (error) {
      if (error instanceof StenoError && error.retryable) request();
      else fail(error);
    }
  }

  function request(): void {
    timer ??= setTimeout(scrub, SCRUB_PAUSE_MS);
  }

  return {
    request,
    stop() {
      if (timer === null) return;
      clearTimeout(timer);
      database.scrub();
    },
  };
}
