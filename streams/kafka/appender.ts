import { setTimeout as pause } from 'node:timers/promises';
import { Producer } from '@platformatic/kafka';
import type { Appender, NewRecord } from '../log.ts';
import { appendError, refusedPartitions, toMessage } from './append-request.ts';
import { baseOptions, type KafkaOptions } from './connection.ts';
import { Pace } from './pace.ts';

/** Most bytes and records of one request: what is over waits for the next. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const MAX_REQUEST_RECORDS = 10_000;
/** A request holds one batch per partition, and a topic's `max.message.bytes` bounds the batch: 1 MiB at least here. */
const MAX_BATCH_BYTES = 768 * 1024;
/** More than Kafka's framing of a record. */
const RECORD_OVERHEAD = 64;

/** One call of `append`: settled when the last of its records is. */
type Call = {
  open: number;
  error: unknown;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};
type Waiting = { readonly record: NewRecord; readonly call: Call };

/**
 * Opens an idempotent producer with acks=all. One request is outstanding at a time and takes whatever waits, so
 * batches grow with the load and never with a timer.
 */
export function openAppender(options: KafkaOptions, name: string, lingerMillis = 0): Appender {
  const producer = new Producer({ ...baseOptions(options, name), idempotent: true, strict: false });
  const pace = new Pace();
  let waiting: Waiting[] = [];
  let taken = 0;
  let pending = 0;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    // A turn of the microtask queue: whatever the same tick appends travels in the first request too.
    await Promise.resolve();
    if (lingerMillis > 0) await pause(lingerMillis);
    while (taken < waiting.length) {
      await pace.wait(performance.now());
      pace.note(performance.now());
      await send(takeGroup());
    }
    waiting = [];
    taken = 0;
    sending = null;
  }

  async function send(group: readonly Waiting[]): Promise<void> {
    try {
      await producer.send({ messages: group.map(({ record }) => toMessage(record)) });
    } catch (error) {
      await settleFailed(group, error);
      return;
    }
    for (const item of group) settle(item, null);
  }

  /** Only the partitions the broker refused are in doubt; of those, a record too large fails alone. */
  async function settleFailed(group: readonly Waiting[], cause: unknown): Promise<void> {
    const error = appendError(cause);
    const refused = refusedPartitions(cause);
    if (refused === null) {
      for (const item of group) settle(item, error);
      return;
    }
    const failed: Waiting[] = [];
    for (const item of group) {
      if (refused.has(keyOf(item.record))) failed.push(item);
      else settle(item, null);
    }
    if (error.code === 'record_too_large' && failed.length > 1) {
      for (const item of failed) await send([item]);
      return;
    }
    for (const item of failed) settle(item, error);
  }

  function settle({ call }: Waiting, error: unknown): void {
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
      const key = keyOf(record);
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
      await producer.close(true);
    },
  };
}

function sizeOf(record: NewRecord): number {
  let size = record.value.length + record.key.length + RECORD_OVERHEAD;
  if (record.headers !== undefined) {
    for (const [name, value] of record.headers) size += name.length + value.length + 4;
  }
  return size;
}

function keyOf(record: NewRecord): string {
  return `${record.topic}/${record.partition}`;
}
