import { onStopRequest } from '../on-stop-request.ts';

/** Why the supervisor's signal aborts; it is no failure. */
export class StopRequested extends Error {
  constructor(reason: string) {
    super(`stop requested: ${reason}`);
    this.name = 'StopRequested';
  }
}

/** Aborts with StopRequested when this program should end. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  onStopRequest((reason) => controller.abort(new StopRequested(reason)));
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Waits for work that knows no signals; rejects with the signal's reason as soon as that aborts. */
export async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const stopped = aborted(signal).then((): never => {
    throw signal.reason;
  });
  return Promise.race([work, stopped]);
}

/**
 * Does several things at once. When one fails, the others are told by their signal, and its error is thrown once all
 * have ended.
 */
export async function together<T extends readonly unknown[]>(
  signal: AbortSignal,
  works: { readonly [K in keyof T]: (signal: AbortSignal) => Promise<T[K]> },
): Promise<T> {
  const failure = new AbortController();
  const both = AbortSignal.any([signal, failure.signal]);
  const results = await Promise.allSettled(
    works.map((work) =>
      work(both).catch((error: unknown) => {
        failure.abort(error);
        throw error;
      }),
    ),
  );
  signal.throwIfAborted();
  failure.signal.throwIfAborted();
  // All have succeeded, in the order of `works`.
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as unknown as T;
}
