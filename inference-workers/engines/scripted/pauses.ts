/** Waits within one inference. */
export interface Pauses {
  /** Waits `ms` milliseconds; throws the signal's reason when it is aborted first. */
  pause(ms: number): Promise<void>;
  /** Waits until the signal is aborted, then throws its reason. */
  hang(): Promise<never>;
  /** Stops listening to the signal. */
  close(): void;
}

/** Listens to the signal once, however often is paused: a thousand streams pause fifty times a second each. */
export function openPauses(signal: AbortSignal): Pauses {
  let timer: NodeJS.Timeout | undefined;
  let leave: (reason: Error) => void = () => undefined;
  const onAbort = (): void => {
    clearTimeout(timer);
    leave(signal.reason as Error); // whatever the caller aborted with
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    pause: (ms) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        leave = reject;
        timer = setTimeout(resolve, ms);
      }),
    hang: () =>
      new Promise((_, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        leave = reject;
        // The timer keeps the process alive, as a request to a silent server would.
        timer = setInterval(() => undefined, 60_000);
      }),
    close() {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}
