import { isUnion, type AvroNamed, type AvroRecord, type AvroType } from './sources.ts';

/** A JSON Schema, draft 7. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Returns the JSON Schema of what `plain-json.ts` writes of a value of the schema, whose shared types are written out where
 * they are first used. Symbols of an enum are named and not demanded, and fields nobody knows are taken: later versions may
 * bring new ones.
 */
export function jsonSchemaOf(record: AvroRecord): JsonSchema {
  return schemaOf(record, new Map());
}

function schemaOf(type: AvroType, seen: Map<string, AvroNamed>): JsonSchema {
  if (isUnion(type)) return { anyOf: type.map((part) => schemaOf(part, seen)) };
  if (typeof type === 'string') {
    const named = seen.get(type);
    return named === undefined ? primitive(type) : schemaOf(named, seen);
  }
  if (type.type === 'array') return { type: 'array', items: schemaOf(type.items, seen) };
  if (type.type === 'map') return { type: 'object', additionalProperties: schemaOf(type.values, seen) };
  if (type.type === 'long') return { type: 'integer', description: 'Milliseconds since 1970, UTC.' };
  seen.set(`${type.namespace}.${type.name}`, type);
  if (type.type === 'enum') return { type: 'string', description: type.doc, examples: type.symbols };
  return {
    type: 'object',
    description: type.doc,
    required: type.fields.map(({ name }) => name),
    properties: Object.fromEntries(
      type.fields.map((field) => [
        field.name,
        { description: field.doc, allOf: [schemaOf(field.type, seen)] },
      ]),
    ),
  };
}

function primitive(type: string): JsonSchema {
  switch (type) {
    case 'null':
    case 'string':
    case 'boolean':
      return { type };
    case 'int':
    case 'long':
      return { type: 'integer' };
    case 'float':
    case 'double':
      return { type: 'number' };
    case 'bytes':
      return { type: 'string', contentEncoding: 'base64' };
    default:
      throw new Error(`no JSON Schema is known for the Avro type ${type}`);
  }
}
