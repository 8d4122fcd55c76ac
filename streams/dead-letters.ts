import type { NewRecord, RawRecord } from './log.ts';
import { deriveId } from './ids.ts';
import { partitionOf } from './partition.ts';

/** Why a record was set aside, and by whom. */
export type DeadLetterReason = {
  readonly group: string;
  /** Name of the error's class, and its code. */
  readonly errorClass: string;
  readonly errorCode: string;
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly firstFailedAt: number;
};

/** A dead letter as it lies there, but for the original bytes. */
export type DeadLetter = DeadLetterReason & {
  readonly id: string;
  /** Where the original lay. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The broker's append time of the original, in milliseconds since 1970. */
  readonly timestamp: number;
  /** -1 if the bytes name none. */
  readonly schemaId: number;
  readonly key: string;
  readonly bytes: number;
  readonly originalHeaders: RawRecord['headers'];
  /** Where it lies itself. */
  readonly lies: { readonly topic: string; readonly partition: number; readonly offset: number };
  /** When it was set aside, in milliseconds since 1970. */
  readonly setAsideAt: number;
};

const OWN = 'dead_letter_';
const ORIGINAL = 'original_';

/**
 * Returns the record that keeps a poison record: its original bytes and key; where it lay and why it failed in
 * headers. The id is derived from topic, partition, offset and group, so that a retry sets nothing aside twice.
 */
export function deadLetter(
  record: RawRecord,
  reason: DeadLetterReason,
  topic: string,
  partitions: number,
): NewRecord {
  const key = record.key?.toString('utf8') ?? '';
  const headers = new Map<string, string | Buffer>(
    record.headers.map(([name, value]) => [`${ORIGINAL}${name}`, value]),
  );
  const own: Readonly<Record<string, string | number>> = {
    id: deriveId('evt', record.topic, record.partition, record.offset, reason.group),
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    group: reason.group,
    error_class: reason.errorClass,
    error_code: reason.errorCode,
    attempts: reason.attempts,
    first_failed_at: reason.firstFailedAt,
    schema_id: schemaIdOf(record.value),
  };
  for (const [name, value] of Object.entries(own)) headers.set(`${OWN}${name}`, String(value));
  return {
    topic,
    partition: partitionOf(key, partitions),
    key,
    value: record.value ?? Buffer.alloc(0),
    headers,
  };
}

/** Reads a record of dead letters; null if it is none. */
export function readDeadLetter(record: RawRecord): DeadLetter | null {
  const own = new Map<string, string>();
  const originalHeaders: (readonly [string, Buffer])[] = [];
  for (const [name, content] of record.headers) {
    if (name.startsWith(ORIGINAL)) originalHeaders.push([name.slice(ORIGINAL.length), content]);
    else if (name.startsWith(OWN)) own.set(name.slice(OWN.length), content.toString('utf8'));
  }
  const text = (name: string): string => own.get(name) ?? '';
  if (text('id') === '' || text('topic') === '') return null;
  const { topic, partition, offset, timestamp, key, value } = record;
  return {
    id: text('id'),
    topic: text('topic'),
    partition: Number(text('partition')),
    offset: Number(text('offset')),
    timestamp: Number(text('timestamp')),
    group: text('group'),
    errorClass: text('error_class'),
    errorCode: text('error_code'),
    attempts: Number(text('attempts')),
    firstFailedAt: Number(text('first_failed_at')),
    schemaId: Number(text('schema_id')),
    key: key?.toString('utf8') ?? '',
    bytes: value?.length ?? 0,
    originalHeaders,
    lies: { topic, partition, offset },
    setAsideAt: timestamp,
  };
}

function schemaIdOf(value: Buffer | null): number {
  return value !== null && value.length >= 5 && value[0] === 0 ? value.readUInt32BE(1) : -1;
}
