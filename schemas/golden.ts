import avro from 'avsc';
import { isUnion, type AvroRecord, type AvroType } from './sources.ts';

/** One released version of a schema with a value and its bytes: they decode for ever. */
export type Golden = { readonly schema: AvroRecord; readonly value: unknown; readonly hex: string };

/**
 * Returns what breaks FULL_TRANSITIVE: the new schema must read every older version's records and every
 * older version must read the new one's (Confluent Schema Registry, "Schema Evolution and Compatibility").
 */
export function checkHistory(schema: AvroRecord, history: readonly string[]): readonly string[] {
  const next = compile(schema);
  return history.flatMap((text, index) => {
    const previous = compile(parseGolden(text).schema);
    const version = index + 1;
    return [
      ...tryRead(next, previous, `${schema.name} cannot read records of its version ${version}`),
      ...tryRead(previous, next, `version ${version} of ${schema.name} cannot read its new records`),
    ];
  });
}

/** Returns the golden file of this schema, or null if its last version already has one. */
export function goldenFile(schema: AvroRecord, history: readonly string[]): string | null {
  const last = history.at(-1);
  if (last !== undefined && JSON.stringify(parseGolden(last).schema) === JSON.stringify(schema)) return null;
  const value = sample(schema, 'value', new Map());
  const hex = compile(schema).toBuffer(value).toString('hex');
  return `${JSON.stringify({ schema, value: jsonSafe(value), hex }, null, 1)}\n`;
}

export function parseGolden(text: string): Golden {
  // Golden files are written by goldenFile alone and never edited.
  return JSON.parse(text) as Golden;
}

function compile(schema: AvroRecord): avro.Type {
  // avsc's own schema type is wider than our record type in ways TypeScript cannot follow.
  return avro.Type.forSchema(JSON.parse(JSON.stringify(schema)) as avro.Schema);
}

function tryRead(reader: avro.Type, writer: avro.Type, sentence: string): readonly string[] {
  try {
    reader.createResolver(writer);
    return [];
  } catch (error) {
    return [`${sentence}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** A value that sets every field: text names its field, unions take their non-null branch, arrays hold one item. */
function sample(type: AvroType, name: string, named: Map<string, AvroType>): unknown {
  if (typeof type === 'string') return samplePrimitive(type, name) ?? sample(known(named, type), name, named);
  if (isUnion(type)) return sample(type.find((branch) => branch !== 'null') ?? 'null', name, named);
  switch (type.type) {
    case 'long':
      return 1_767_225_600_000;
    case 'array':
      return [sample(type.items, name, named)];
    case 'map':
      return { [name]: sample(type.values, name, named) };
    case 'enum':
      named.set(`${type.namespace}.${type.name}`, type);
      return type.symbols[0];
    case 'record':
      named.set(`${type.namespace}.${type.name}`, type);
      return Object.fromEntries(
        type.fields.map((field) => [field.name, sample(field.type, field.name, named)]),
      );
  }
}

function samplePrimitive(type: string, name: string): unknown {
  const values: Readonly<Record<string, unknown>> = {
    null: null,
    boolean: true,
    int: -7,
    long: 9_007_199_254_740_000,
    float: 0.5,
    double: 0.1,
    bytes: Buffer.from(name),
    string: `${name} äöü 🙂`,
  };
  return values[type];
}

function known(named: ReadonlyMap<string, AvroType>, type: string): AvroType {
  const found = named.get(type);
  if (found === undefined) throw new Error(`unknown type ${type}`);
  return found;
}

/** Returns the value as JSON keeps it: bytes become lower-case hex. */
export function jsonSafe(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(jsonSafe);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonSafe(item)]));
}
