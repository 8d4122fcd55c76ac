import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import avro from 'avsc';
import { CodecError } from '../../../schemas/codec-error.ts';
import { createCodec } from '../../../schemas/codec.ts';
import { avroSchemas } from '../../../schemas/generated/avro.ts';
import type { EventMap, EventType } from '../../../schemas/generated/types.ts';
import { jsonSafe } from '../../../schemas/golden.ts';
import { eventTypes, goldenFiles, wire } from './golden-files.ts';

const ids = new Map<EventType, number>(eventTypes.map((type, index) => [type, index + 1]));
const newest = goldenFiles.filter(
  ({ type, version }) => !goldenFiles.some((other) => other.type === type && other.version > version),
);

function idOf(type: EventType): number {
  return ids.get(type) ?? assert.fail(type);
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof CodecError, String(error));
    return error.code;
  }
  return assert.fail('nothing was thrown');
}

describe('the codec', () => {
  it('has a golden file for every event', () => {
    assert.deepEqual(new Set(goldenFiles.map(({ type }) => type)), new Set(eventTypes));
  });

  for (const { type, version, schema, value, hex } of goldenFiles) {
    it(`reads the bytes that version ${version} of ${type} wrote`, () => {
      const body = Buffer.from(hex, 'hex');
      // Through avsc's own type rather than our schema type, which it cannot follow.
      const writer = avro.Type.forSchema(JSON.parse(JSON.stringify(schema)) as avro.Schema);
      assert.deepEqual(jsonSafe(writer.fromBuffer(body)), value);
      const codec = createCodec(ids);
      codec.learn(10_000, JSON.stringify(schema));
      const { type: found, data } = codec.decode(wire(10_000, body));
      assert.equal(found, type);
      assert.deepEqual(withoutNewer(jsonSafe(data), value), value);
    });
  }

  for (const { type, hex } of newest) {
    it(`writes what it reads of ${type}`, () => {
      const codec = createCodec(ids);
      const bytes = wire(idOf(type), Buffer.from(hex, 'hex'));
      const event = codec.decode(bytes);
      assert.deepEqual(codec.encode(event.type, event.data as never), bytes);
    });
  }

  it('keeps events apart that share its memory, also when one is larger than that', () => {
    const codec = createCodec(ids);
    const [file] = newest.filter(({ type }) => type === 'ConversationErased');
    const value = file?.value as EventMap['ConversationErased'];
    const reasons = Array.from({ length: 300 }, (_, index) => `${index} `.repeat(index * 40));
    const encoded = reasons.map((reason) => codec.encode('ConversationErased', { ...value, reason }));
    const decoded = encoded.map((bytes) => codec.decode(bytes).data as EventMap['ConversationErased']);
    assert.deepEqual(
      decoded.map(({ reason }) => reason),
      reasons,
    );
  });

  it('names the field of an event that breaks its schema and never quotes the value', () => {
    const codec = createCodec(ids);
    const [file] = newest.filter(({ type }) => type === 'MessageSubmitted');
    const value = file?.value as EventMap['MessageSubmitted'];
    const secret = 'my credit card is 4111';
    const broken = { ...value, occurredAt: secret as unknown as number };
    assert.throws(
      () => codec.encode('MessageSubmitted', broken),
      (error) => {
        assert.ok(error instanceof CodecError);
        assert.equal(error.code, 'invalid_event');
        assert.match(error.message, /MessageSubmitted breaks its schema at occurredAt/);
        assert.ok(!JSON.stringify([error.message, String(error.cause), error.stack]).includes(secret));
        return true;
      },
    );
    const { eventId: _, ...lacking } = value;
    assert.throws(() => codec.encode('MessageSubmitted', lacking as typeof value), /at eventId/);
    // What failed must leave no trace in what follows.
    const good = wire(idOf('ConversationErased'), Buffer.alloc(0));
    assert.equal(
      codeOf(() => codec.decode(good)),
      'malformed_record',
    );
  });

  it('refuses numbers that JavaScript cannot hold', () => {
    const codec = createCodec(ids);
    const file = newest.find(({ type }) => type === 'ConversationErased');
    const value = file?.value as EventMap['ConversationErased'];
    assert.equal(
      codeOf(() => codec.encode('ConversationErased', { ...value, occurredAt: 2 ** 60 })),
      'invalid_event',
    );
    assert.equal(
      codeOf(() => codec.encode('ConversationErased', { ...value, occurredAt: 0.5 })),
      'invalid_event',
    );
  });

  it('tells apart what it does not know and what is malformed', () => {
    const codec = createCodec(ids);
    assert.equal(
      codeOf(() => codec.decode(Buffer.alloc(0))),
      'malformed_record',
    );
    assert.equal(
      codeOf(() => codec.decode(Buffer.from('hello'))),
      'malformed_record',
    );
    assert.equal(
      codeOf(() => codec.decode(wire(9_999, Buffer.from([1])))),
      'unknown_schema_id',
    );
    assert.equal(
      codeOf(() => codec.learn(1_000, 'not json')),
      'malformed_record',
    );
    assert.equal(
      codeOf(() => codec.learn(1_000, '"string"')),
      'malformed_record',
    );
    assert.equal(
      codeOf(() => codec.learn(1_000, '{"type":"record","name":"Alien","fields":[]}')),
      'malformed_record',
    );
    const other = JSON.parse(avroSchemas.ConversationErased) as { fields: { name: string; type: unknown }[] };
    for (const field of other.fields) field.type = 'int';
    assert.equal(
      codeOf(() => codec.learn(1_000, JSON.stringify(other))),
      'malformed_record',
    );
    assert.equal(
      codeOf(() => codec.decode(wire(1_000, Buffer.from([1])))),
      'unknown_schema_id',
    );
  });

  it('takes hostile schemas of strangers for malformed', () => {
    const codec = createCodec(ids);
    for (const schema of [
      '{"type":"record","name":"toString","fields":[]}',
      '{"type":"record"}',
      '{"type":"record","name":"ConversationErased"}',
      '{"type":"record","name":"ConversationErased","fields":[{"name":"a","type":"nothing"}]}',
      '{"type":"record","name":"ConversationErased","fields":[{"name":"a"}]}',
      '{"type":"record","name":7,"fields":7}',
      `{"type":"record","name":"ConversationErased","fields":[{"name":"a","type":${'{"type":"array","items":'.repeat(5_000)}"int"${'}'.repeat(5_000)}}]}`,
    ]) {
      assert.equal(
        codeOf(() => codec.learn(1_001, schema)),
        'malformed_record',
        schema.slice(0, 80),
      );
    }
  });
});

/** Returns what was read without the fields that the writer did not know, at any depth. */
function withoutNewer(read: unknown, written: unknown): unknown {
  if (Array.isArray(read) && Array.isArray(written))
    return read.map((item, index) => withoutNewer(item, written[index]));
  if (!isRecord(read) || !isRecord(written)) return read;
  const known = Object.entries(read).filter(([name]) => name in written);
  return Object.fromEntries(known.map(([name, value]) => [name, withoutNewer(value, written[name])]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
