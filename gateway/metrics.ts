import type { Metrics } from '../runtime/metrics.ts';
import type { Queues } from './queues.ts';
import type { QueueStatus } from './status-page/status.ts';
import { countTurns, type TurnCounter } from './status-page/recent-turns.ts';

/** What the gateway counts. */
type GatewayMetrics = {
  readonly onOutcome: (outcome: 'accepted' | 'refused' | 'unknown') => void;
  readonly onFirstDelta: (seconds: number) => void;
  readonly onPoison: () => void;
  /** The same for the status page, over the last minutes. */
  readonly turns: TurnCounter;
};

const FIRST_DELTA_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function gatewayMetrics(metrics: Metrics, queues: Pick<Queues, 'now' | 'list'>): GatewayMetrics {
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
  metrics.gauge('steno_gateway_open_streams', 'Answers that stream right now.', () => queues.now('streams'));
  metrics.gauge('steno_gateway_open_sockets', 'WebSockets that are open.', () => queues.now('sockets'));
  const showQueues = (name: string, help: string, value: (queue: QueueStatus) => number): void =>
    metrics.gauges(name, help, ['queue'], () =>
      queues.list().map((queue) => ({ labels: { queue: queue.name }, value: value(queue) })),
    );
  showQueues('steno_gateway_queue', 'What waits or is open in each bounded queue.', ({ now }) => now);
  showQueues('steno_gateway_queue_limit', 'What each of them holds at most.', ({ limit }) => limit);
  const turns = countTurns(FIRST_DELTA_BUCKETS, () => performance.now() / 1000);
  return {
    turns,
    onOutcome(outcome) {
      messages.add({ outcome });
      turns.onOutcome(outcome);
    },
    onFirstDelta(seconds) {
      firstDelta.observe(seconds);
      turns.onFirstDelta(seconds);
    },
    onPoison: () => poison.add(),
  };
}
