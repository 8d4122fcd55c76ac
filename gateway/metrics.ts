import type { Metrics } from '../runtime/metrics.ts';

/** What the gateway counts. */
type GatewayMetrics = {
  readonly onOutcome: (outcome: 'accepted' | 'refused' | 'unknown') => void;
  readonly onFirstDelta: (seconds: number) => void;
  readonly onPoison: () => void;
};

const FIRST_DELTA_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function gatewayMetrics(
  metrics: Metrics,
  read: { streams: () => number; sockets: () => number },
): GatewayMetrics {
  const messages = metrics.counter(
    'steno_gateway_messages_total',
    'Messages by what became of them at the gateway.',
    ['outcome'],
  );
  const firstDelta = metrics.histogram(
    'steno_gateway_first_delta_seconds',
    'Time from taking a message in to its first delta.',
    FIRST_DELTA_BUCKETS,
  );
  const poison = metrics.counter(
    'steno_gateway_poison_records_total',
    'Records of reply partitions that could not be decoded.',
  );
  metrics.gauge('steno_gateway_open_streams', 'Answers that stream right now.', read.streams);
  metrics.gauge('steno_gateway_open_sockets', 'WebSockets that are open.', read.sockets);
  return {
    onOutcome: (outcome) => messages.add({ outcome }),
    onFirstDelta: (seconds) => firstDelta.observe(seconds),
    onPoison: () => poison.add(),
  };
}
