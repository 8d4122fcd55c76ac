/** Messages that wait for their first token, by queue: how long would one that comes now wait? Times in milliseconds. */
export interface WaitingRoom {
  /** A message is about to wait in a queue. */
  enter(queue: string, now: number): Waiting;
  /** How long a message that comes now will wait, by those before it and by how fast they begin; 0 where nobody waits. */
  estimate(queue: string, now: number): number;
  /** How long the first in line waits already; 0 where nobody does. */
  longest(queue: string, now: number): number;
  /** The longest estimate of all queues. */
  worst(now: number): number;
}

/** A message that waits. */
export interface Waiting {
  /** It has its first token. */
  begin(now: number): void;
  /** It waits no longer, without a token. */
  leave(): void;
}

/** Over so many seconds beginnings are counted: longer than a burst, shorter than a person's patience. */
const WINDOW = 10;
/** A queue that nobody used for so long is counted anew. */
const FORGOTTEN_MS = 100_000;

type Queue = {
  /** When each came, in that order. */
  readonly waiting: Map<Waiting, number>;
  /** How many began in each of the latest seconds, oldest first. */
  readonly begun: { readonly second: number; count: number }[];
  /** When the counting began. */
  readonly since: number;
  touched: number;
};

/**
 * Little's law: who comes waits as long as it takes to begin all that wait (L = λ W, J. Little 1961). One gateway's view is enough
 * where there are several: each sees its share of the queue, and the same share of the beginnings.
 */
export function createWaitingRoom(): WaitingRoom {
  const queues = new Map<string, Queue>();

  function queueOf(name: string, now: number): Queue {
    const known = queues.get(name);
    const isForgotten =
      known === undefined || (known.waiting.size === 0 && now - known.touched > FORGOTTEN_MS);
    const queue = isForgotten ? { waiting: new Map(), begun: [], since: now, touched: now } : known;
    queue.touched = now;
    queues.set(name, queue);
    return queue;
  }

  function dropOld({ begun }: Queue, now: number): void {
    while (begun[0] !== undefined && begun[0].second <= secondOf(now) - WINDOW) begun.shift();
  }

  function countBegun(queue: Queue, now: number): void {
    dropOld(queue, now);
    const last = queue.begun.at(-1);
    if (last?.second === secondOf(now)) last.count += 1;
    else queue.begun.push({ second: secondOf(now), count: 1 });
  }

  function longest(name: string, now: number): number {
    const [first = now] = queues.get(name)?.waiting.values() ?? [];
    return now - first;
  }

  function estimate(name: string, now: number): number {
    const queue = queues.get(name);
    if (queue === undefined || queue.waiting.size === 0) return 0;
    dropOld(queue, now);
    const { waiting, begun, since } = queue;
    const count = begun.reduce((sum, second) => sum + second.count, 0);
    // Nothing began for a while: nobody knows more than how long the first in line waits.
    if (count === 0) return longest(name, now);
    const from = Math.max(since, (secondOf(now) - WINDOW + 1) * 1000);
    return (waiting.size * Math.max(1, now - from)) / count;
  }

  return {
    longest,
    estimate,
    worst: (now) => Math.max(0, ...[...queues.keys()].map((name) => estimate(name, now))),
    enter(name, now) {
      const queue = queueOf(name, now);
      const waiting: Waiting = {
        begin(at) {
          if (!queue.waiting.delete(waiting)) return;
          countBegun(queue, at);
        },
        leave: () => void queue.waiting.delete(waiting),
      };
      queue.waiting.set(waiting, now);
      return waiting;
    },
  };
}

function secondOf(now: number): number {
  return Math.floor(now / 1000);
}
