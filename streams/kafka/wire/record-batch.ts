import { crc32c, Reader, readRecordsBatches } from '@platformatic/kafka';
import type { NewRecord, RawRecord } from '../../log.ts';
import { ByteReader, textSize, varintSize, type ByteWriter } from './bytes.ts';

/**
 * Record batches of magic 2, straight between records and bytes: the client library makes an object of every header of
 * every record, which cost more than all else that a role does with it. Source: Kafka documentation, "Record Batch".
 */

const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const CONTROL = 0x20;
const MAGIC = 2;
/** Base offset and length: what comes before the bytes that the length counts. */
const HEAD = 12;
/** Where the checksummed part begins. */
const ATTRIBUTES_AT = 21;
const RECORDS_AT = 61;
const NO_HEADERS: RawRecord['headers'] = [];

/** Who writes, so that a broker drops what it has already. */
export type ProducerIdentity = { readonly id: bigint; readonly epoch: number };

/** Writes the records as one batch, numbered from `sequence` on; `now` is the producer's clock, which nobody reads. */
export function writeBatch(
  writer: ByteWriter,
  records: readonly NewRecord[],
  producer: ProducerIdentity,
  sequence: number,
  now: number,
): void {
  const start = writer.length;
  writer.int64(0);
  writer.int32(0); // length, below
  writer.int32(-1); // leader epoch: the broker's
  writer.int8(MAGIC);
  writer.int32(0); // checksum, below
  writer.int16(0); // attributes: not compressed, no transaction
  writer.int32(records.length - 1);
  writer.int64(now);
  writer.int64(now);
  writer.bigint64(producer.id);
  writer.int16(producer.epoch);
  writer.int32(sequence);
  writer.int32(records.length);
  for (const [index, record] of records.entries()) writeRecord(writer, record, index);
  writer.setInt32(start + 8, writer.length - start - HEAD);
  writer.setUint32(start + 17, crc32c(writer.since(start + ATTRIBUTES_AT)));
}

function writeRecord(writer: ByteWriter, { key, value, headers }: NewRecord, index: number): void {
  const keyLength = textSize(key);
  const lengths: number[] = [];
  // Attributes and the difference of the timestamps are a zero each.
  let size = 2 + varintSize(index) + sized(keyLength) + sized(value.length) + varintSize(headers?.size ?? 0);
  if (headers !== undefined) {
    for (const [name, content] of headers) {
      const nameLength = textSize(name);
      const contentLength = typeof content === 'string' ? textSize(content) : content.length;
      lengths.push(nameLength, contentLength);
      size += sized(nameLength) + sized(contentLength);
    }
  }
  writer.varint(size);
  writer.int8(0);
  writer.varint(0);
  writer.varint(index);
  writer.varint(keyLength);
  writer.text(key, keyLength);
  writer.varint(value.length);
  writer.bytes(value);
  writer.varint(headers?.size ?? 0);
  if (headers === undefined) return;
  let at = 0;
  for (const [name, content] of headers) {
    const [nameLength = 0, contentLength = 0] = [lengths[at], lengths[at + 1]];
    at += 2;
    writer.varint(nameLength);
    writer.text(name, nameLength);
    writer.varint(contentLength);
    if (typeof content === 'string') writer.text(content, contentLength);
    else writer.bytes(content);
  }
}

function sized(length: number): number {
  return varintSize(length) + length;
}

/**
 * Returns the records from `from` on, and the offset after the last batch. Fetched bytes may begin before the position
 * and may end within a batch. Under LogAppendTime every record has the batch's maxTimestamp (attribute bit 3): never the
 * producer's clock. Throws RangeError for bytes that are no batches.
 */
export function readBatches(
  topic: string,
  partition: number,
  bytes: Buffer,
  from: number,
): { readonly records: readonly RawRecord[]; readonly nextOffset: number } {
  const records: RawRecord[] = [];
  let nextOffset = from;
  let start = 0;
  while (bytes.length - start >= RECORDS_AT) {
    const end = start + HEAD + bytes.readInt32BE(start + 8);
    if (end > bytes.length) break;
    if (bytes[start + 16] !== MAGIC || end <= start + HEAD)
      throw new RangeError('not a record batch of magic 2');
    const reader = new ByteReader(bytes, start);
    const first = reader.int64();
    reader.at = start + ATTRIBUTES_AT;
    const attributes = reader.int16();
    const next = first + reader.int32() + 1;
    nextOffset = Math.max(nextOffset, next);
    const firstTime = reader.int64();
    const lastTime = reader.int64();
    if ((attributes & CONTROL) === 0 && next > from) {
      const time = (attributes & LOG_APPEND_TIME) !== 0 ? { fixed: lastTime } : { first: firstTime };
      const place: Place = { topic, partition, first, time };
      if ((attributes & COMPRESSION) !== 0) readCompressed(bytes.subarray(start, end), place, from, records);
      else readPlain(bytes, start, place, from, records);
    }
    start = end;
  }
  return { records, nextOffset };
}

type Place = {
  readonly topic: string;
  readonly partition: number;
  readonly first: number;
  readonly time: { readonly fixed: number } | { readonly first: number };
};

function readPlain(bytes: Buffer, start: number, place: Place, from: number, into: RawRecord[]): void {
  const { topic, partition, first, time } = place;
  const reader = new ByteReader(bytes, start + RECORDS_AT - 4);
  const count = reader.int32();
  for (let index = 0; index < count; index += 1) {
    const size = reader.varint();
    const end = reader.at + size;
    if (size < 0 || end > bytes.length) throw new RangeError('a record is longer than its batch');
    reader.int8();
    const difference = reader.varint();
    const offset = first + reader.varint();
    if (offset >= from) {
      const timestamp = 'fixed' in time ? time.fixed : time.first + difference;
      into.push(new FetchedRecord(topic, partition, offset, timestamp, bytes, reader.at));
    }
    reader.at = end;
  }
}

/** What others compressed is rare here: the client library knows the codecs. */
function readCompressed(bytes: Buffer, place: Place, from: number, into: RawRecord[]): void {
  const { topic, partition, first, time } = place;
  for (const batch of readRecordsBatches(Reader.from(bytes))) {
    for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
      const offset = first + offsetDelta;
      if (offset < from) continue;
      const timestamp = 'fixed' in time ? time.fixed : time.first + Number(timestampDelta);
      into.push({
        ...{ topic, partition, offset, timestamp, key, value },
        headers: headers.map(([name, content]) => [name?.toString('utf8') ?? '', content ?? Buffer.alloc(0)]),
      });
    }
  }
}

/** Returns the content of a record's first header if that has this name, without reading the others. */
export function leadingHeader(record: RawRecord, name: string): Buffer | null {
  if (record instanceof FetchedRecord) return record.leadingHeader(name);
  const [first] = record.headers;
  return first?.[0] === name ? first[1] : null;
}

function nullable(reader: ByteReader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.bytes(length);
}

/** Key, value and headers are cut out when somebody asks: most readers want one of them. */
class FetchedRecord implements RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly #bytes: Buffer;
  /** Where its key begins. */
  readonly #at: number;

  constructor(
    topic: string,
    partition: number,
    offset: number,
    timestamp: number,
    bytes: Buffer,
    at: number,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.#bytes = bytes;
    this.#at = at;
  }

  get key(): Buffer | null {
    return nullable(new ByteReader(this.#bytes, this.#at));
  }

  get value(): Buffer | null {
    const reader = new ByteReader(this.#bytes, this.#at);
    passOver(reader);
    return nullable(reader);
  }

  leadingHeader(name: string): Buffer | null {
    const reader = new ByteReader(this.#bytes, this.#at);
    passOver(reader);
    passOver(reader);
    if (reader.varint() === 0) return null;
    const length = reader.varint();
    return length === name.length && reader.binary(length) === name ? nullable(reader) : null;
  }

  get headers(): RawRecord['headers'] {
    const reader = new ByteReader(this.#bytes, this.#at);
    passOver(reader);
    passOver(reader);
    const count = reader.varint();
    if (count === 0) return NO_HEADERS;
    return Array.from({ length: count }, () => {
      const name = reader.bytes(reader.varint()).toString('utf8');
      return [name, nullable(reader) ?? Buffer.alloc(0)] as const;
    });
  }
}

function passOver(reader: ByteReader): void {
  reader.skip(Math.max(0, reader.varint()));
}
