import type { Config } from '../runtime/config.ts';
import type { QueueStatus } from './status-page/status.ts';

/** A socket may stream several answers, and one that streams none still costs memory. */
const SOCKETS_PER_STREAM = 4;
/** Records the log may owe an answer for: a message, and what is said about it, of every answer that may stream. */
const PENDING_PER_STREAM = 2;

const names = {
  streams: 'answers that stream',
  sockets: 'WebSockets',
  subscriptions: 'subscriptions',
  pending: 'records not acknowledged',
} as const;
type Queue = keyof typeof names;

/** Everything that a gateway holds a bounded number of. */
export interface Queues {
  readonly most: Readonly<Record<Queue, number>>;
  /** Says who counts a queue; until then it is empty. */
  watch(queue: Queue, count: () => number): void;
  now(queue: Queue): number;
  list(): readonly QueueStatus[];
}

export function createQueues(config: Pick<Config, 'maxOpenInferences' | 'maxSubscriptions'>): Queues {
  const most = {
    streams: config.maxOpenInferences,
    sockets: config.maxOpenInferences * SOCKETS_PER_STREAM,
    subscriptions: config.maxSubscriptions,
    pending: config.maxOpenInferences * PENDING_PER_STREAM,
  };
  const counts = new Map<Queue, () => number>();
  const now = (queue: Queue): number => counts.get(queue)?.() ?? 0;
  return {
    most,
    watch: (queue, count) => void counts.set(queue, count),
    now,
    list: () =>
      (Object.keys(names) as Queue[]).map((queue) => ({
        name: names[queue],
        now: now(queue),
        limit: most[queue],
      })),
  };
}
