import { performance } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/** Adds the share of time in which the event loop was busy, from one scrape to the next. */
export function measureEventLoop(metrics: Metrics): void {
  let last = performance.eventLoopUtilization();
  metrics.gauge(
    'steno_event_loop_utilization_ratio',
    'Share of time the event loop was busy since the last scrape.',
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
  );
}
