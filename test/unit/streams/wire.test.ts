import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecordsBatch, Reader, readRecordsBatches } from '@platformatic/kafka';
import fc from 'fast-check';
import { ByteReader, ByteWriter, uvarintSize, varintSize } from '../../../streams/kafka/wire/bytes.ts';
import { FetchSession } from '../../../streams/kafka/wire/fetch-session.ts';
import { decodeFetch, wireKey } from '../../../streams/kafka/wire/fetch.ts';
import { decodeProduce, encodeBatch } from '../../../streams/kafka/wire/produce.ts';
import { readBatches } from '../../../streams/kafka/wire/record-batch.ts';

/** Our bytes against those of the client library, which knows nothing of ours. */

const producer = { id: 2n ** 40n + 7n, epoch: 3 };
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const record = fc.record({
  key: fc.string({ unit: 'grapheme', maxLength: 80 }),
  value: bytes,
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 70 }), fc.oneof(fc.string(), bytes)), {
    maxLength: 5,
  }),
});

function batchOf(
  records: readonly { key: string; value: Buffer; headers: [string, string | Buffer][] }[],
): Buffer {
  const list = records.map(({ headers, ...rest }) => ({
    ...rest,
    topic: 'topic',
    partition: 3,
    headers: new Map(headers),
  }));
  return encodeBatch(
    { topic: 'topic', partition: 3, records: list, sequence: 41 },
    producer,
    1_700_000_000_123,
  ).bytes;
}

test('numbers of every size are what they were', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), fc.integer(), fc.maxSafeInteger(), (unsigned, signed, long) => {
      const writer = new ByteWriter(1);
      writer.uvarint(unsigned);
      assert.equal(writer.length, uvarintSize(unsigned));
      writer.varint(signed >> 1);
      assert.equal(writer.length, uvarintSize(unsigned) + varintSize(signed >> 1));
      writer.int64(long);
      writer.int32(signed);
      const reader = new ByteReader(writer.finish());
      assert.deepEqual([reader.uvarint(), reader.varint(), reader.int64()], [unsigned, signed >> 1, long]);
      assert.equal(reader.int32(), signed);
      assert.equal(reader.remaining, 0);
    }),
  );
});

test('the library reads the batches that we write, their checksum too', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 70 }), (records) => {
      const written = batchOf(records);
      const [batch, ...others] = readRecordsBatches(Reader.from(written));
      assert.ok(batch !== undefined && others.length === 0);
      assert.deepEqual(
        [
          batch.producerId,
          batch.producerEpoch,
          batch.firstSequence,
          batch.lastOffsetDelta,
          batch.maxTimestamp,
        ],
        [producer.id, producer.epoch, 41, records.length - 1, 1_700_000_000_123n],
      );
      for (const [index, { key, value, headers }] of records.entries()) {
        const found: (typeof batch.records)[number] | undefined = batch.records[index];
        assert.equal(found?.key?.toString(), key);
        assert.deepEqual(found.value, value);
        const expected = [...new Map(headers)].map(([name, content]) => [
          Buffer.from(name),
          Buffer.from(content),
        ]);
        assert.deepEqual(found.headers, expected);
      }
    }),
  );
});

test('what the library writes is read with its bytes, keys and headers, from any offset on', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 40 }), fc.nat(45), (records, from) => {
      const messages = records.map(({ key, value, headers }) => ({
        topic: 'topic',
        partition: 0,
        key: Buffer.from(key),
        value,
        headers: new Map(headers.map(([name, content]) => [Buffer.from(name), Buffer.from(content)])),
      }));
      const written = createRecordsBatch(messages, { producerId: producer.id, producerEpoch: 0 }).buffer;
      const read = readBatches('topic', 0, written, from);
      assert.equal(read.nextOffset, Math.max(from, records.length));
      assert.deepEqual(
        read.records.map(({ offset }) => offset),
        records.map((_, offset) => offset).filter((offset) => offset >= from),
      );
      for (const { offset, key, value, headers } of read.records) {
        const expected = messages[offset];
        assert.deepEqual([key, value], [expected?.key, expected?.value]);
        assert.deepEqual(
          headers.map(([name]) => name),
          [...(expected?.headers.keys() ?? [])].map(String),
        );
      }
    }),
  );
});

test('compressed batches of others are read, the end of a fetch may lie within a batch, control records are passed', () => {
  const messages = ['one', 'two'].map((text) => ({ topic: 'topic', value: Buffer.from(text) }));
  const packed = createRecordsBatch(messages, { compression: 'gzip' }).buffer;
  const plain = batchOf([{ key: 'k', value: Buffer.from('three'), headers: [] }]);
  plain.writeBigInt64BE(2n);
  const control = Buffer.from(plain);
  control.writeBigInt64BE(3n);
  control.writeInt16BE(0x20, 21);
  const both = Buffer.concat([packed, plain, control]);
  const texts = (read: Buffer): readonly string[] =>
    readBatches('topic', 0, read, 0).records.map(({ value }) => String(value));
  assert.deepEqual(texts(both), ['one', 'two', 'three']);
  assert.equal(readBatches('topic', 0, both, 0).nextOffset, 4);
  assert.deepEqual(texts(both.subarray(0, packed.length + 10)), ['one', 'two']);
});

test('under LogAppendTime a record has the time of the broker, else its own', () => {
  const written = batchOf([{ key: 'k', value: Buffer.from('v'), headers: [] }]);
  assert.equal(readBatches('topic', 0, written, 0).records[0]?.timestamp, 1_700_000_000_123);
  written.writeInt16BE(0x08, 21);
  written.writeBigInt64BE(1_800_000_000_456n, 35);
  assert.equal(readBatches('topic', 0, written, 0).records[0]?.timestamp, 1_800_000_000_456);
});

test('bytes that are no batches throw, and end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(200), (junk, at) => {
      const damaged = Buffer.from(
        batchOf([{ key: 'key', value: Buffer.alloc(100), headers: [['name', 'value']] }]),
      );
      damaged.set(junk.subarray(0, Math.max(0, damaged.length - at)), Math.min(at, damaged.length));
      for (const read of [
        () => readBatches('topic', 0, damaged, 0).records.map(({ headers }) => headers),
        () => decodeFetch(Buffer.from(junk)),
        () => decodeProduce(Buffer.from(junk)),
      ]) {
        try {
          read();
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }
    }),
  );
});

test('a session names a partition again only when its offset moved, and one that is gone once', () => {
  const session = new FetchSession({ maxWaitMs: 100, minBytes: 1, maxBytes: 1_000, partitionMaxBytes: 100 });
  const topicId = '00112233-4455-6677-8899-aabbccddeeff';
  const at = (partition: number, offset: number) => ({
    topicId,
    partition,
    next: offset,
    wireKey: wireKey(topicId, partition),
  });
  const named = (request: Buffer): { session: number; epoch: number; wanted: number; forgotten: number } => {
    const reader = new ByteReader(request, 17);
    const found = { session: reader.int32(), epoch: reader.int32(), wanted: 0, forgotten: 0 };
    for (let topics = reader.compactCount(); topics > 0; topics -= 1) {
      assert.ok(wireKey(topicId, 0).startsWith(reader.binary(16)));
      for (let count = reader.compactCount(); count > 0; count -= 1) {
        reader.skip(32);
        reader.tags();
        found.wanted += 1;
      }
      reader.tags();
    }
    for (let topics = reader.compactCount(); topics > 0; topics -= 1) {
      reader.skip(16);
      found.forgotten += reader.compactCount();
      reader.skip(4 * found.forgotten);
      reader.tags();
    }
    return found;
  };
  const ok = (sessionId: number) => ({ errorCode: 0, sessionId, partitions: [] });
  assert.deepEqual(named(session.request([at(0, 5), at(1, 7)])), {
    session: 0,
    epoch: 0,
    wanted: 2,
    forgotten: 0,
  });
  session.note(ok(9));
  assert.deepEqual(named(session.request([at(0, 5), at(1, 8)])), {
    session: 9,
    epoch: 1,
    wanted: 1,
    forgotten: 0,
  });
  session.note(ok(9));
  assert.deepEqual(named(session.request([at(1, 8)])), { session: 9, epoch: 2, wanted: 0, forgotten: 1 });
  assert.equal(session.note({ errorCode: 71, sessionId: 0, partitions: [] }), false);
  assert.deepEqual(named(session.request([at(1, 8)])), { session: 0, epoch: 0, wanted: 1, forgotten: 0 });
});
