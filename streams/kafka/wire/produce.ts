import type { NewRecord } from '../../log.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { writeBatch, type ProducerIdentity } from './record-batch.ts';

/** Produce requests and responses. Source: Kafka protocol guide, Produce API (key 0), version 9. */
export const PRODUCE = { key: 0, version: 9 } as const;

const ACKS_ALL = -1;
/** More than a batch's and a partition's head. */
const BATCH_OVERHEAD = 128;

/** The records of one partition, in the order in which they are numbered from `sequence` on. */
export type PartitionRecords = {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly NewRecord[];
  readonly sequence: number;
};

/** A batch that is written: a retry sends the same bytes, so that the broker knows them again. */
export type WrittenBatch = PartitionRecords & { readonly bytes: Buffer };

export type PartitionResult = {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
};

export function encodeBatch(batch: PartitionRecords, producer: ProducerIdentity, now: number): WrittenBatch {
  const writer = new ByteWriter(batch.records.reduce((sum, record) => sum + sizeOf(record), BATCH_OVERHEAD));
  writeBatch(writer, batch.records, producer, batch.sequence, now);
  return { ...batch, bytes: writer.finish() };
}

/** The body of a request for acks=all. */
export function encodeProduce(batches: readonly WrittenBatch[], timeoutMs: number): Buffer {
  const size = batches.reduce(
    (sum, { topic, bytes }) => sum + topic.length * 3 + bytes.length + BATCH_OVERHEAD,
    64,
  );
  const writer = new ByteWriter(size);
  writer.uvarint(0); // no transaction
  writer.int16(ACKS_ALL);
  writer.int32(timeoutMs);
  const byTopic = Map.groupBy(batches, ({ topic }) => topic);
  writer.uvarint(byTopic.size + 1);
  for (const [topic, list] of byTopic) {
    writer.compactString(topic);
    writer.uvarint(list.length + 1);
    for (const { partition, bytes } of list) {
      writer.int32(partition);
      writer.uvarint(bytes.length + 1);
      writer.bytes(bytes);
      writer.uvarint(0);
    }
    writer.uvarint(0);
  }
  writer.uvarint(0);
  return writer.finish();
}

/** Reads the body of a response. Throws RangeError for bytes that are none. */
export function decodeProduce(bytes: Buffer): readonly PartitionResult[] {
  const reader = new ByteReader(bytes);
  const results: PartitionResult[] = [];
  for (let topics = reader.compactCount(); topics > 0; topics -= 1) {
    const topic = reader.compactString() ?? '';
    for (let count = reader.compactCount(); count > 0; count -= 1) {
      const partition = reader.int32();
      const errorCode = reader.int16();
      reader.skip(24); // base offset, append time, first offset
      for (let errors = reader.compactCount(); errors > 0; errors -= 1) {
        reader.int32();
        reader.compactString();
        reader.tags();
      }
      reader.compactString();
      reader.tags();
      results.push({ topic, partition, errorCode });
    }
    reader.tags();
  }
  return results;
}

/** At least the bytes of a record, unless its texts are mostly beyond ASCII: then the writer grows. */
export function sizeOf({ key, value, headers }: NewRecord): number {
  let size = value.length + key.length + 64;
  if (headers !== undefined) for (const [name, content] of headers) size += name.length + content.length + 4;
  return size;
}
