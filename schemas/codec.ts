import avro from 'avsc';
import { CodecError } from './codec-error.ts';
import { avroSchemas } from './generated/avro.ts';
import type { AnyEvent, EventMap, EventType } from './generated/types.ts';
import { compileGuard, type Guard } from './guard.ts';
import type { AvroRecord } from './sources.ts';

/**
 * Turns events into the bytes of a record's value and back, in the Confluent wire format: a zero byte, the schema id
 * as a big-endian 32-bit number, the Avro binary.
 * Source: Confluent documentation, "Formats, Serializers, and Deserializers", "Wire format".
 */
export interface Codec {
  /** Throws CodecError invalid_event, naming the field. The bytes are the caller's to keep. */
  encode<T extends EventType>(type: T, data: EventMap[T]): Buffer;
  /** Throws CodecError: unknown_schema_id (tell it with `learn`, then try again) or malformed_record. */
  decode(value: Uint8Array): AnyEvent;
  /** Tells which schema an id stands for. Throws CodecError malformed_record if no event reads it. */
  learn(schemaId: number, schema: string): void;
}

type Reader = {
  readonly type: EventType;
  readonly avro: avro.Type;
  readonly resolver: avro.Resolver | null;
  readonly guard: Guard;
};

const HEAD = 5;
const SLAB = 64 * 1024;

/** Top-level fields of events that a reader never looks at. */
export type UnreadFields = { readonly [T in EventType]?: readonly (keyof EventMap[T] & string)[] };

/**
 * Builds a codec that writes every event type under the id given for it. Fields that are `unread` are checked but not
 * decoded: the events lack them, whatever their type says.
 */
export function createCodec(ids: ReadonlyMap<EventType, number>, unread: UnreadFields = {}): Codec {
  const own = new Map<EventType, { readonly id: number; readonly avro: avro.Type }>();
  const readers = new Map<number, Reader>();
  for (const [type, id] of ids) {
    const compiled = compiledTypes(type);
    own.set(type, { id, avro: compiled.avro });
    const lean = leanType(type, unread[type] ?? []);
    readers.set(id, {
      type,
      avro: lean ?? compiled.avro,
      resolver: lean === null ? null : lean.createResolver(compiled.avro),
      guard: compiled.guard,
    });
  }
  let slab = Buffer.allocUnsafeSlow(SLAB);
  let used = 0;

  return {
    encode(type, data) {
      const target = own.get(type);
      if (target === undefined) throw new CodecError('invalid_event', `no schema id is known for ${type}`);
      if (slab.length - used < HEAD + 256) [slab, used] = [Buffer.allocUnsafeSlow(SLAB), 0];
      let end = write(target.avro, type, data, slab, used + HEAD);
      if (end < 0) {
        // Negative: the slab is that many bytes too short.
        const size = slab.length - used - end;
        [slab, used] = [Buffer.allocUnsafeSlow(Math.max(SLAB, size)), 0];
        end = write(target.avro, type, data, slab, used + HEAD);
      }
      slab.writeUInt8(0, used);
      slab.writeUInt32BE(target.id, used + 1);
      const bytes = slab.subarray(used, end);
      used = end;
      return bytes;
    },

    decode(value) {
      const bytes = Buffer.isBuffer(value)
        ? value
        : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      if (bytes.length < HEAD || bytes[0] !== 0) {
        throw new CodecError('malformed_record', 'the value does not begin with a zero byte and a schema id');
      }
      const id = bytes.readUInt32BE(1);
      const reader = readers.get(id);
      if (reader === undefined)
        throw new CodecError('unknown_schema_id', `schema id ${id} is not known here`, id);
      reader.guard(bytes, HEAD);
      const decoded = decodeAt(reader, bytes, id);
      // The reader's schema is the one EventMap was generated from, so its data has that shape.
      return { type: reader.type, data: decoded } as AnyEvent;
    },

    learn(schemaId, schema) {
      if (readers.has(schemaId)) return;
      const writer = parseSchema(schema, schemaId);
      const type = eventTypeOf(writer, schemaId);
      const compiled = compiledTypes(type);
      try {
        const reader = leanType(type, unread[type] ?? []) ?? compiled.avro;
        const resolver = reader.createResolver(avro.Type.forSchema(structuredClone(writer) as avro.Schema));
        readers.set(schemaId, { type, avro: reader, resolver, guard: compileGuard(writer) });
      } catch (error) {
        throw new CodecError(
          'malformed_record',
          `${type} cannot read schema id ${schemaId}`,
          schemaId,
          error,
        );
      }
    },
  };
}

const compiledCache = new Map<EventType, { readonly avro: avro.Type; readonly guard: Guard }>();

function compiledTypes(type: EventType): { readonly avro: avro.Type; readonly guard: Guard } {
  let found = compiledCache.get(type);
  if (found === undefined) {
    // Our own generated schemas: their shape is AvroRecord by construction.
    const schema = JSON.parse(avroSchemas[type]) as AvroRecord;
    found = { guard: compileGuard(schema), avro: avro.Type.forSchema(schema as unknown as avro.Schema) };
    compiledCache.set(type, found);
  }
  return found;
}

/** The type without some of its fields; null if it has all of them. */
function leanType(type: EventType, unread: readonly string[]): avro.Type | null {
  if (unread.length === 0) return null;
  // Our own generated schemas: their shape is AvroRecord by construction.
  const schema = JSON.parse(avroSchemas[type]) as AvroRecord;
  const fields = schema.fields.filter(({ name }) => !unread.includes(name));
  return avro.Type.forSchema({ ...schema, fields } as unknown as avro.Schema);
}

function write(type: avro.Type, name: string, data: unknown, slab: Buffer, at: number): number {
  try {
    return type.encode(data, slab, at);
  } catch {
    // avsc's own message quotes the value, which may be somebody's text: name the fields instead.
    const fields: string[] = [];
    type.isValid(data, { errorHook: (path: readonly string[]) => fields.push(path.join('.')) });
    throw new CodecError(
      'invalid_event',
      `${name} breaks its schema at ${fields.join(', ') || 'an unknown field'}`,
    );
  }
}

function decodeAt(reader: Reader, bytes: Buffer, id: number): unknown {
  try {
    return (
      reader.resolver === null
        ? reader.avro.decode(bytes, HEAD)
        : reader.avro.decode(bytes, HEAD, reader.resolver)
    ).value;
  } catch (error) {
    throw new CodecError('malformed_record', `the record does not fit schema id ${id}`, id, error);
  }
}

function parseSchema(schema: string, schemaId: number): AvroRecord {
  try {
    const parsed: unknown = JSON.parse(schema);
    if (isRecordSchema(parsed)) return parsed;
  } catch (error) {
    throw new CodecError('malformed_record', `schema id ${schemaId} is not JSON`, schemaId, error);
  }
  throw new CodecError('malformed_record', `schema id ${schemaId} is not a record`, schemaId);
}

/** Everything else about it is checked when avsc and the guard compile it. */
function isRecordSchema(schema: unknown): schema is AvroRecord {
  if (typeof schema !== 'object' || schema === null || !('type' in schema) || schema.type !== 'record')
    return false;
  return (
    'name' in schema && typeof schema.name === 'string' && 'fields' in schema && Array.isArray(schema.fields)
  );
}

function eventTypeOf(writer: AvroRecord, schemaId: number): EventType {
  const name = writer.name.slice(writer.name.lastIndexOf('.') + 1);
  if (Object.hasOwn(avroSchemas, name)) return name as EventType;
  throw new CodecError(
    'malformed_record',
    `schema id ${schemaId} is of ${name}, which is no event here`,
    schemaId,
  );
}
