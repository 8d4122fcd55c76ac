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
    record.headers.map(([name, value]) => [`original_${name}`, value]),
  );
  const own: Readonly<Record<string, string | number>> = {
    dead_letter_id: deriveId('evt', record.topic, record.partition, record.offset, reason.group),
    dead_letter_topic: record.topic,
    dead_letter_partition: record.partition,
    dead_letter_offset: record.offset,
    dead_letter_timestamp: record.timestamp,
    dead_letter_group: reason.group,
    dead_letter_error_class: reason.errorClass,
    dead_letter_error_code: reason.errorCode,
    dead_letter_attempts: reason.attempts,
    dead_letter_first_failed_at: reason.firstFailedAt,
    dead_letter_schema_id: schemaIdOf(record.value),
  };
  for (const [name, value] of Object.entries(own)) headers.set(name, String(value));
  return {
    topic,
    partition: partitionOf(key, partitions),
    key,
    value: record.value ?? Buffer.alloc(0),
    headers,
  };
}

function schemaIdOf(value: Buffer | null): number {
  return value !== null && value.length >= 5 && value[0] === 0 ? value.readUInt32BE(1) : -1;
}
