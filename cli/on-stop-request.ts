/** Signals this soon after the first are the same wish: a terminal, npm and a supervisor may each send one. */
const sameWishMilliseconds = 500;

/**
 * Calls `stop` once, with the reason, when this program should end: a signal, a request of the wrapper in `bin/`,
 * or the wrapper's disappearance. A second SIGINT or SIGTERM ends the process at once, with `exitCode`. Does not keep
 * the event loop alive.
 */
export function onStopRequest(stop: (reason: string) => void, exitCode = 1): void {
  let firstAt: number | undefined;
  const request = (reason: string) => {
    if (firstAt !== undefined) return;
    firstAt = performance.now();
    stop(reason);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (firstAt !== undefined && performance.now() - firstAt > sameWishMilliseconds) process.exit(exitCode);
      request(signal);
    });
  }
  // A closed terminal may hang up several times.
  process.on('SIGHUP', () => {
    request('SIGHUP');
  });
  if (process.channel === undefined) return;
  process.on('message', (message) => {
    if (message === 'stop') request('stop');
  });
  process.on('disconnect', () => {
    request('disconnect');
  });
  process.channel.unref();
  process.send?.('accepts-stop');
}
