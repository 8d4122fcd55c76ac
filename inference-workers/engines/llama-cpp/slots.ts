/** A fixed number of places, given out in the order they were asked for. */
export interface Slots {
  /** Resolves to the function that gives the place back; rejects with the signal's reason when it is aborted first. */
  take(signal: AbortSignal): Promise<() => void>;
}

/** Builds `count` places. */
export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();
  const giveBack = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    waiting.delete(next);
    next();
  };
  const once = (): (() => void) => {
    let held = true;
    return () => {
      if (held) giveBack();
      held = false;
    };
  };
  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return once();
      }
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(turn);
          reject(signal.reason as Error); // whatever the caller aborted with
        };
        const turn = (): void => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        waiting.add(turn);
        signal.addEventListener('abort', leave, { once: true });
      });
      return once();
    },
  };
}
