import { setTimeout as delay } from 'node:timers/promises';

/** Waits `ms` milliseconds; throws the signal's reason when it is aborted first. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** Waits until the signal is aborted, then throws its reason. */
export function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    // The timer keeps the process alive, as a request to a silent server would.
    const alive = setInterval(() => undefined, 60_000);
    const leave = (): void => {
      clearInterval(alive);
      reject(signal.reason as Error); // whatever the caller aborted with
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
  });
}
