/** How long a client that went away may take to come back before its answer is stopped. */
const GRACE_MS = 5_000;

/**
 * Stops answers whose client went away: closing the connection is the only way in which the SDKs can stop one.
 * Whoever attaches in time keeps the answer alive.
 */
export interface Abandonment {
  /** The client of an answer went away: it is stopped after the grace unless somebody reads it then or attached since. */
  left(inferenceId: string, stop: () => Promise<unknown>): void;
  /** Somebody attached. */
  attached(inferenceId: string): void;
  /** Forgets all who left: their answers go on. */
  close(): void;
}

export function createAbandonment(options: {
  readonly isRead: (inferenceId: string) => boolean;
  /** An answer that could not be stopped: it goes on to its end. */
  readonly onFailure: (error: unknown) => void;
  readonly graceMillis?: number;
}): Abandonment {
  const { isRead, onFailure, graceMillis = GRACE_MS } = options;
  const timers = new Map<string, NodeJS.Timeout>();

  function attached(inferenceId: string): void {
    clearTimeout(timers.get(inferenceId));
    timers.delete(inferenceId);
  }

  return {
    left(inferenceId, stop) {
      attached(inferenceId);
      const timer = setTimeout(() => {
        timers.delete(inferenceId);
        if (!isRead(inferenceId)) stop().catch(onFailure);
      }, graceMillis);
      timer.unref();
      timers.set(inferenceId, timer);
    },
    attached,
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
