/** Lets the answers of one context take their steps together. */
export interface Rounds {
  /** Runs `step` with everyone who waits when the next round begins; a round ends with its slowest step. */
  take<T>(step: () => Promise<T>): Promise<T>;
}

/**
 * Builds the rounds of one context. The library evaluates what is queued when a batch begins and keeps its context
 * locked while anything is queued: answers that asked one after the other would never share a batch, and a new
 * conversation could clear its sequence only after the last running answer.
 */
export function createRounds(): Rounds {
  let waiting: (() => void)[] = [];
  let running = 0;
  let opening = false;

  function open(): void {
    if (running > 0 || opening || waiting.length === 0) return;
    opening = true;
    // One turn later, so that those whose step has just ended are there again.
    setImmediate(() => {
      opening = false;
      const round = waiting;
      waiting = [];
      running = round.length;
      for (const begin of round) begin();
    });
  }

  return {
    async take(step) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        open();
      });
      try {
        return await step();
      } finally {
        running -= 1;
        open();
      }
    },
  };
}
