import type { NewEvent } from '../streams/event.ts';
import type { EventLog } from '../streams/event-log.ts';
import { deriveId } from '../streams/ids.ts';
import type { WorkerIdentity } from './terminal.ts';

const SAMPLE_EVERY_MS = 10_000;

export type WorkerLoad = {
  readonly slots: number;
  readonly active: number;
  readonly queued: number;
  readonly produced: number;
  /** Null for an engine that asks no backend. */
  readonly breakerOpen: boolean | null;
};

/** Appends WorkerSampled now and every ten seconds. A sample that cannot be appended is dropped: the next one says the same. */
export function startSampling(
  events: EventLog,
  topic: string,
  worker: WorkerIdentity,
  model: string,
  read: () => WorkerLoad,
  onDropped: (error: unknown) => void,
): { stop(): void } {
  const appender = events.openAppender('worker-samples');
  let last = { produced: read().produced, at: performance.now(), loop: performance.eventLoopUtilization() };

  function sample(): void {
    const load = read();
    const now = performance.now();
    const loop = performance.eventLoopUtilization();
    const seconds = (now - last.at) / 1000;
    const eventId = deriveId('evt', worker.workerId, 'sample', Math.round(now));
    const sampled: NewEvent = {
      type: 'WorkerSampled',
      data: {
        eventId,
        occurredAt: Date.now(),
        causationId: worker.workerId,
        correlationId: worker.workerId,
        producer: worker.producer,
        tenantId: '',
        workerId: worker.workerId,
        model,
        slots: load.slots,
        active: load.active,
        queued: load.queued,
        tokensPerSecond: seconds === 0 ? 0 : (load.produced - last.produced) / seconds,
        residentBytes: process.memoryUsage.rss(),
        breakerOpen: load.breakerOpen,
        eventLoopUtilisation: performance.eventLoopUtilization(loop, last.loop).utilization,
      },
      topic,
      key: worker.workerId,
      partition: null,
    };
    last = { produced: load.produced, at: now, loop };
    appender.append([sampled]).catch(onDropped);
  }

  sample();
  const timer = setInterval(sample, SAMPLE_EVERY_MS);

  return {
    stop() {
      clearInterval(timer);
      appender.close().catch(onDropped);
    },
  };
}
