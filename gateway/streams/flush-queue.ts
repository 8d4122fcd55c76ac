/** Collects what wrote in this turn of the event loop, so that each socket is written to once for a whole batch. */
export type FlushLater = (flush: () => void) => void;

/** Returns a function that runs each flush given to it after the current turn. */
export function createFlushQueue(): FlushLater {
  return createQueue((run) => process.nextTick(run));
}

/** Returns a function that runs each flush given to it so long after the first of them: one timer for all. */
export function createHoldQueue(millis: number): FlushLater {
  return createQueue((run) => void setTimeout(run, millis));
}

function createQueue(schedule: (run: () => void) => void): FlushLater {
  let waiting: (() => void)[] = [];
  function run(): void {
    const flushes = waiting;
    waiting = [];
    for (const flush of flushes) flush();
  }
  return (flush) => {
    if (waiting.length === 0) schedule(run);
    waiting.push(flush);
  };
}
