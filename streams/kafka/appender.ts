import { Producer, type MessageToProduce } from '@platformatic/kafka';
import { StenoError } from '../../runtime/errors.ts';
import type { Appender, NewRecord } from '../log.ts';
import { baseOptions, type KafkaOptions } from './connection.ts';

/** Most bytes and records of one request: what is over waits for the next. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const MAX_REQUEST_RECORDS = 10_000;

type Waiting = { readonly records: readonly NewRecord[]; readonly resolve: () => void; readonly reject: (error: unknown) => void };

/**
 * Opens an idempotent producer with acks=all. One request is outstanding at a time and takes whatever waits, so
 * batches grow with the load and never with a timer.
 */
export function openAppender(options: KafkaOptions, name: string): Appender {
  const producer = new Producer({ ...baseOptions(options, name), idempotent: true, strict: false });
  let waiting: Waiting[] = [];
  let pending = 0;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    // A turn of the microtask queue: whatever the same tick appends travels in the first request too.
    await Promise.resolve();
    while (waiting.length > 0) {
      await send(takeGroup());
    }
    sending = null;
  }

  async function send(group: readonly Waiting[]): Promise<void> {
    try {
      await producer.send({ messages: group.flatMap((entry) => entry.records.map(toMessage)) });
    } catch (error) {
      const wrapped = wrap(error);
      if (wrapped.code === 'record_too_large' && group.length > 1) {
        // Only the append that holds the large record may fail.
        for (const entry of group) await send([entry]);
        return;
      }
      for (const entry of group) {
        pending -= entry.records.length;
        entry.reject(wrapped);
      }
      return;
    }
    for (const entry of group) {
      pending -= entry.records.length;
      entry.resolve();
    }
  }

  function takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let records = 0;
    let count = 0;
    for (const entry of waiting) {
      for (const record of entry.records) bytes += record.value.length;
      records += entry.records.length;
      if (count > 0 && (bytes > MAX_REQUEST_BYTES || records > MAX_REQUEST_RECORDS)) break;
      count += 1;
    }
    if (count === waiting.length) {
      const all = waiting;
      waiting = [];
      return all;
    }
    return waiting.splice(0, count);
  }

  return {
    append(records) {
      if (records.length === 0) return Promise.resolve();
      pending += records.length;
      return new Promise((resolve, reject) => {
        waiting.push({ records, resolve, reject });
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

function toMessage(record: NewRecord): MessageToProduce {
  const message: MessageToProduce = {
    topic: record.topic,
    partition: record.partition,
    key: Buffer.from(record.key),
    value: record.value,
  };
  if (record.headers !== undefined && record.headers.size > 0) {
    const headers = new Map<Buffer, Buffer>();
    for (const [name, value] of record.headers) {
      headers.set(Buffer.from(name), typeof value === 'string' ? Buffer.from(value) : value);
    }
    message.headers = headers;
  }
  return message;
}

function wrap(error: unknown): StenoError {
  const text = error instanceof Error ? `${error.message} ${causes(error)}` : String(error);
  if (/MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE/.test(text)) {
    return new StenoError('record_too_large', 'a record is larger than its topic allows', { cause: error });
  }
  return new StenoError('append_unknown', 'the log did not acknowledge an append: it may or may not be there', {
    retryable: true,
    cause: error,
  });
}

function causes(error: Error): string {
  const nested = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return nested.map((item: unknown) => (item instanceof Error ? `${item.message} ${causes(item)}` : '')).join(' ');
}
