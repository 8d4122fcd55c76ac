type Json = Readonly<Record<string, unknown>>;

/**
 * Returns a JSON Schema in the words of node-llama-cpp's grammars: `anyOf` is its `oneOf`, a list of types with an object or
 * an array in it one of several schemas. All properties are written, in their order, and none besides, as the strict
 * mode of OpenAI's structured outputs has it: what comes out keeps to the schema. A schema that says nothing of an
 * object's properties means any object. What no grammar can keep to, or only a very large one, is left out: a gateway lets it
 * pass where its caller asked for no more.
 */
export function grammarSchema(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return { type: ANY };
  const { anyOf, oneOf, allOf, type, $defs, definitions, $ref, ...rest } = schema as Json;
  if (Array.isArray(allOf) && allOf.length === 1)
    return grammarSchema({ ...rest, $defs, definitions, ...(allOf[0] as object) });
  const defs = { ...mapped(definitions), ...mapped($defs) };
  const named = Object.keys(defs).length === 0 ? {} : { $defs: defs };
  if (typeof $ref === 'string') return { ...named, $ref: $ref.replace('#/definitions/', '#/$defs/') };
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) return { ...named, oneOf: choices.map(grammarSchema) };
  if ('const' in rest) return { ...named, const: rest['const'] };
  if ('enum' in rest) return { ...named, enum: rest['enum'] };
  if (Array.isArray(type) && type.some((one) => one === 'object' || one === 'array'))
    return { ...named, oneOf: type.map((one: unknown) => grammarSchema({ ...rest, type: one })) };
  if (type === 'object' || (type === undefined && 'properties' in rest))
    return { ...named, ...objectOf(rest) };
  if (type === 'array' || (type === undefined && 'items' in rest)) return { ...named, ...arrayOf(rest) };
  if (type === 'string')
    return { ...named, ...small(rest, ['minLength', 'maxLength'], MOST_LENGTH), ...formatOf(rest), type };
  return { ...named, type: type ?? ANY };
}

const FORMATS = ['date', 'time', 'date-time'];
const MOST_LENGTH = 2_000;
const MOST_ITEMS = 500;

/** What says nothing of its type may be any single value. */
const ANY = ['string', 'number', 'boolean', 'null'];

function objectOf(schema: Json): Json {
  const { properties, additionalProperties } = schema;
  if (typeof properties === 'object' && properties !== null)
    return { type: 'object', properties: mapped(properties) };
  const values = typeof additionalProperties === 'object' ? grammarSchema(additionalProperties) : true;
  return { type: 'object', ...(additionalProperties === false ? {} : { additionalProperties: values }) };
}

function arrayOf(schema: Json): Json {
  const { items } = schema;
  return {
    ...small(schema, ['minItems', 'maxItems'], MOST_ITEMS),
    ...(items === undefined ? {} : { items: grammarSchema(items) }),
    type: 'array',
  };
}

function mapped(schemas: unknown): Record<string, unknown> {
  const entries = Object.entries(typeof schemas === 'object' && schemas !== null ? schemas : {});
  return Object.fromEntries(entries.map(([name, schema]) => [name, grammarSchema(schema)]));
}

function small(schema: Json, names: readonly string[], most: number): Json {
  const found = names.filter((name) => typeof schema[name] === 'number' && schema[name] <= most);
  return Object.fromEntries(found.map((name) => [name, schema[name]]));
}

function formatOf({ format }: Json): Json {
  return FORMATS.some((known) => known === format) ? { format } : {};
}
