import type { WorkerSampled } from '../../schemas/generated/types.ts';
import type { EventLog } from '../../streams/event-log.ts';
import type { Follower } from '../../streams/log.ts';
import { decodeBatch } from '../../streams/runner/decode-batch.ts';

/** The last sample of a worker. */
export type SampledWorker = Pick<
  WorkerSampled,
  'workerId' | 'model' | 'slots' | 'active' | 'queued' | 'tokensPerSecond' | 'residentBytes' | 'breakerOpen'
> & { readonly sampledAt: number };

/** The workers of this installation, from what they say of themselves on the log. */
export interface WorkerView {
  /** Workers that spoke within ten minutes, by id. The topic is read only while somebody asks. */
  read(): Promise<readonly SampledWorker[]>;
  stop(): Promise<void>;
}

/** Samples looked at when reading begins; a worker appends one every ten seconds. */
const BACKLOG = 200;
const FORGET_MS = 10 * 60_000;
/** Nobody asked for so long: reading stops until somebody does. */
const IDLE_MS = 30_000;
const WAIT_MS = 2_000;

type Reading = {
  readonly follower: Follower;
  readonly caughtUp: Promise<void>;
  readonly abort: AbortController;
};

export function openWorkerView(events: EventLog, topic: string): WorkerView {
  const workers = new Map<string, SampledWorker>();
  let reading: Reading | null = null;
  let idle: NodeJS.Timeout | undefined;

  function begin(): Reading {
    const abort = new AbortController();
    const behind = new Map<number, number>();
    let arrive = (): void => undefined;
    const caughtUp = new Promise<void>((resolve) => (arrive = resolve));
    const follower = events.log.openFollower({
      name: 'worker-samples',
      async onBatch({ records, partition, nextOffset }) {
        const { events: found } = await decodeBatch(events, records, abort.signal);
        for (const event of found)
          if (event.type === 'WorkerSampled')
            workers.set(event.data.workerId, { ...event.data, sampledAt: event.time });
        if (nextOffset >= (behind.get(partition) ?? 0)) behind.delete(partition);
        if (behind.size === 0) arrive();
      },
      // The next one who asks begins anew.
      onFailure: () => void stopReading(),
    });
    const start = async (): Promise<void> => {
      const [first, end] = await Promise.all([
        events.log.offsets(topic, 'earliest'),
        events.log.offsets(topic, 'end'),
      ]);
      const starts = end.map((next, partition) => Math.max(first[partition] ?? 0, next - BACKLOG));
      for (const [partition, from] of starts.entries())
        if (from < (end[partition] ?? 0)) behind.set(partition, end[partition] ?? 0);
      if (behind.size === 0) arrive();
      await Promise.all(starts.map((from, partition) => follower.add(topic, partition, from)));
    };
    start().catch(() => void stopReading());
    return { follower, caughtUp, abort };
  }

  async function stopReading(): Promise<void> {
    const ended = reading;
    reading = null;
    clearTimeout(idle);
    ended?.abort.abort();
    await ended?.follower.stop();
  }

  return {
    async read() {
      clearTimeout(idle);
      idle = setTimeout(() => void stopReading(), IDLE_MS);
      idle.unref();
      reading ??= begin();
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, WAIT_MS);
      });
      await Promise.race([reading.caughtUp, patience]);
      clearTimeout(timer);
      const oldest = Date.now() - FORGET_MS;
      for (const [id, { sampledAt }] of workers) if (sampledAt < oldest) workers.delete(id);
      return [...workers.values()].sort((a, b) => (a.workerId < b.workerId ? -1 : 1));
    },
    stop: stopReading,
  };
}
