import type { EventLog } from '../../streams/event-log.ts';
import type { Batch } from '../../streams/log.ts';
import type { Progress } from '../../runtime/progress.ts';
import type { Range } from './start-at.ts';
import { fits, readRecord, type TailFilter, type TailRecord } from './tail-record.ts';

export type TailOptions = {
  readonly events: EventLog;
  readonly topic: string;
  readonly ranges: readonly Range[];
  readonly filter: TailFilter;
  /** Goes on with what is appended; else the tail ends where the log ended when it began. */
  readonly follow: boolean;
  /** Ends after so many records that fit; null for no limit. */
  readonly limit: number | null;
  /** A person hears of a long way through what is there. */
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Called in log order per partition; the next record of any partition waits for it. */
  readonly onRecord: (record: TailRecord) => void | Promise<void>;
};

/** Fewer are read before a person wonders. */
const WORTH_SAYING = 2_000;

/** Reads records without a group and changes nothing. Resolves at the limit, the end, or when the signal aborts. */
export async function tailTopic(options: TailOptions): Promise<void> {
  const { events, topic, follow, limit, signal, filter } = options;
  const open = new Map(options.ranges.map((range) => [range.partition, range]));
  if (!follow) for (const { partition, from, end } of options.ranges) if (from >= end) open.delete(partition);
  if (open.size === 0) return;
  const done = Promise.withResolvers<null>();
  const meter = openMeter(options.progress, options.ranges);
  let shown = 0;
  let turn: Promise<void> = Promise.resolve();

  async function take(batch: Batch): Promise<void> {
    const range = open.get(batch.partition);
    if (range === undefined) return;
    for (const record of batch.records) {
      if (signal.aborted || (limit !== null && shown >= limit)) return;
      if (record.offset < range.from || (!follow && record.offset >= range.end)) continue;
      const read = await readRecord(events, record, signal);
      if (!fits(read, filter)) continue;
      await options.onRecord(read);
      shown += 1;
      if (shown === limit) done.resolve(null);
    }
    meter.passed(batch.partition, batch.nextOffset);
    if (follow || batch.nextOffset < range.end) return;
    follower.remove(topic, batch.partition);
    open.delete(batch.partition);
    if (open.size === 0) done.resolve(null);
  }

  const follower = events.log.openFollower({
    name: 'tail',
    // A person who looks sees everything that lies there.
    seesRedriven: () => true,
    onFailure: (error) => done.reject(error),
    // One partition at a time, so that a limit is exact and lines do not mix.
    onBatch: (batch) => (turn = turn.then(() => take(batch))),
  });
  const stop = (): void => done.resolve(null);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (const { partition, from } of [...open.values()]) {
      if (signal.aborted) break;
      await follower.add(topic, partition, from);
    }
    if (signal.aborted) stop();
    await done.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    meter.end();
    await follower.stop();
  }
}

type Meter = { passed(partition: number, next: number): void; end(): void };

/** Says how far the tail is through what was there when it began. */
function openMeter(progress: Progress, ranges: readonly Range[]): Meter {
  const total = ranges.reduce((sum, { from, end }) => sum + end - from, 0);
  if (total < WORTH_SAYING) return { passed: () => undefined, end: () => undefined };
  const step = progress.step('reading what is there');
  const left = new Map(ranges.map(({ partition, from, end }) => [partition, end - from]));
  const ends = new Map(ranges.map(({ partition, end }) => [partition, end]));
  let isOver = false;
  return {
    passed(partition, next) {
      if (isOver) return;
      left.set(partition, Math.max(0, (ends.get(partition) ?? 0) - next));
      const rest = [...left.values()].reduce((sum, count) => sum + count, 0);
      step.update(total - rest, total);
      if (rest === 0) this.end();
    },
    end() {
      if (isOver) return;
      isOver = true;
      step.finish(`${total} records passed`);
    },
  };
}
