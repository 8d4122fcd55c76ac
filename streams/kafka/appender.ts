import type { StenoError } from '../../runtime/errors.ts';
import type { Appender, NewRecord, Urgency } from '../log.ts';
import { partitionKey } from '../partition.ts';
import type { KafkaOptions } from './connection.ts';
import { paceOf } from './pace.ts';
import { openProducer } from './producer.ts';
import { sizeOf } from './wire/produce.ts';

/** Most bytes and records of one request: what is over waits for the next. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const MAX_REQUEST_RECORDS = 10_000;
/** A request holds one batch per partition, and a topic's `max.message.bytes` bounds the batch: 1 MiB at least here. */
const MAX_BATCH_BYTES = 768 * 1024;

/** One call of `append`: settled when the last of its records is. */
type Call = {
  open: number;
  error: StenoError | null;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};
type Waiting = { readonly record: NewRecord; readonly call: Call };

/**
 * Opens an idempotent producer with acks=all. One request is outstanding at a time and takes whatever waits, so
 * batches grow with the load; only records that nobody waits for meet a timer.
 */
export function openAppender(options: KafkaOptions, name: string, urgency: Urgency = 'now'): Appender {
  const producer = openProducer(options, name);
  const pace = paceOf(urgency);
  let waiting: Waiting[] = [];
  let taken = 0;
  let pending = 0;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    // A turn of the microtask queue: whatever the same tick appends travels in the first request too.
    await Promise.resolve();
    while (taken < waiting.length) {
      await pace.wait(performance.now());
      const group = takeGroup();
      pace.note(performance.now(), group.length);
      await send(group);
    }
    waiting = [];
    taken = 0;
    sending = null;
  }

  async function send(group: readonly Waiting[]): Promise<void> {
    const outcomes = await producer.send(group.map(({ record }) => record));
    const tooLarge: Waiting[] = [];
    for (const item of group) {
      const outcome = outcomes.get(partitionKey(item.record)) ?? null;
      if (outcome?.code === 'record_too_large' && group.length > 1) tooLarge.push(item);
      else settle(item, outcome);
    }
    // Of a batch that is too large, only the record that is too large by itself fails.
    for (const item of tooLarge) await send([item]);
  }

  function settle({ call }: Waiting, error: StenoError | null): void {
    pending -= 1;
    call.open -= 1;
    call.error ??= error;
    if (call.open > 0) return;
    if (call.error === null) call.resolve();
    else call.reject(call.error);
  }

  /** The next records in order, up to the first that would make the request or a batch of it too large. */
  function takeGroup(): readonly Waiting[] {
    const batches = new Map<string, number>();
    const start = taken;
    let bytes = 0;
    for (; taken < waiting.length && taken - start < MAX_REQUEST_RECORDS; taken += 1) {
      const record = waiting[taken]?.record;
      if (record === undefined) break;
      const size = sizeOf(record);
      const key = partitionKey(record);
      const batch = (batches.get(key) ?? 0) + size;
      bytes += size;
      if (taken > start && (bytes > MAX_REQUEST_BYTES || (batch > MAX_BATCH_BYTES && batch > size))) break;
      batches.set(key, batch);
    }
    const group = waiting.slice(start, taken);
    if (taken > MAX_REQUEST_RECORDS && taken * 2 > waiting.length) {
      waiting = waiting.slice(taken);
      taken = 0;
    }
    return group;
  }

  return {
    append(records) {
      if (records.length === 0) return Promise.resolve();
      pending += records.length;
      return new Promise((resolve, reject) => {
        const call: Call = { open: records.length, error: null, resolve, reject };
        for (const record of records) waiting.push({ record, call });
        sending ??= sendAll();
      });
    },
    get pending() {
      return pending;
    },
    async close() {
      while (sending !== null) await sending;
      await producer.close();
    },
  };
}
