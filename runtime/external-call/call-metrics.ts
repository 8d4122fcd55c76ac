import type { Metrics } from '../metrics.ts';

/** `half_open`: one call is let through to see whether the far side is well again. */
export type BreakerState = 'closed' | 'half_open' | 'open';

/**
 * How a call ended: `ok`, `failed` and `timeout` tell about the far side; `refused` (it would not do this one thing) and
 * `aborted` (nobody wanted the answer any more) do not; `rejected` was not made because the breaker was open.
 */
export type CallOutcome = 'ok' | 'failed' | 'timeout' | 'refused' | 'aborted' | 'rejected';

export interface CallMetrics {
  ended(target: string, outcome: CallOutcome, seconds: number): void;
  watch(target: string, read: () => BreakerState): void;
  forget(target: string): void;
}

const STATES: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };
const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];

/** Registers the metrics of all external calls of a process; null counts nothing. */
export function createCallMetrics(metrics: Metrics | null): CallMetrics {
  const watched = new Map<string, () => BreakerState>();
  const calls = metrics?.counter(
    'steno_external_calls_total',
    'Calls that leave the process, by their end.',
    ['target', 'outcome'],
  );
  const seconds = metrics?.histogram(
    'steno_external_call_seconds',
    'Seconds from the beginning of a call to the end of its answer.',
    SECONDS,
    ['target'],
  );
  metrics?.gauges(
    'steno_external_call_breaker_state',
    'Breaker of a target: 0 closed, 1 half open, 2 open.',
    ['target'],
    () => [...watched].map(([target, read]) => ({ labels: { target }, value: STATES[read()] })),
  );
  return {
    ended(target, outcome, took) {
      calls?.add({ target, outcome });
      if (outcome !== 'rejected') seconds?.observe(took, { target });
    },
    watch: (target, read) => void watched.set(target, read),
    forget: (target) => void watched.delete(target),
  };
}
