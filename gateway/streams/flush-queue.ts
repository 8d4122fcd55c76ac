/** Collects what wrote in this turn of the event loop, so that each socket is written to once for a whole batch. */
export type FlushLater = (flush: () => void) => void;

/** Returns a function that runs each flush given to it after the current turn. */
export function createFlushQueue(): FlushLater {
  let waiting: (() => void)[] = [];
  function run(): void {
    const flushes = waiting;
    waiting = [];
    for (const flush of flushes) flush();
  }
  return (flush) => {
    if (waiting.length === 0) process.nextTick(run);
    waiting.push(flush);
  };
}
