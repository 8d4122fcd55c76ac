import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatOf, responseFormat } from '../../../../gateway/openai/response-format.ts';
import { grammarSchema } from '../../../../inference-workers/engines/llama-cpp/grammar-schema.ts';
import { schemaProblem } from '../../../../gateway/openai/schema-problem.ts';

const object = (properties: object, more: object = {}): Record<string, unknown> => ({
  ...{ type: 'object', properties },
  ...more,
});

test('what answers can be kept to is taken', () => {
  for (const schema of [
    { type: 'object' },
    object(
      { a: { type: ['string', 'null'], description: 'x' } },
      { required: ['a'], additionalProperties: false },
    ),
    object({ a: { enum: ['x', 1, null] }, b: { const: true }, c: { type: 'string', format: 'date' } }),
    object(
      { a: { type: 'array', items: { $ref: '#/$defs/b' }, maxItems: 3 } },
      { $defs: { b: { type: 'integer' } } },
    ),
    { anyOf: [object({ a: { type: 'number' } }), object({ b: { type: 'string', minLength: 1 } })] },
    object(
      { next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
      { $defs: { node: object({}) } },
    ),
  ])
    assert.equal(schemaProblem(schema), null, JSON.stringify(schema));
});

test('what they cannot be kept to is named by its place', () => {
  for (const [schema, place] of [
    [{ type: 'array' }, 'type'],
    [object({ a: { type: 'string', pattern: '^a' } }), 'properties.a.pattern'],
    [object({ a: { type: 'number', minimum: 1 } }), 'properties.a.minimum'],
    [object({ a: { type: 'text' } }), 'properties.a.type'],
    [object({ a: { type: 'string', format: 'email' } }), 'properties.a.format'],
    [object({ a: { type: 'string', maxLength: 1e9 } }), 'properties.a.maxLength'],
    [object({ a: { type: 'array', maxItems: 501 } }), 'properties.a.maxItems'],
    [object({ a: { enum: [] } }), 'properties.a.enum'],
    [object({ a: { enum: [{}] } }), 'properties.a.enum'],
    [object({ a: { const: [] } }), 'properties.a.const'],
    [object({ a: { $ref: '#/$defs/b' } }), 'properties.a.$ref'],
    [object({ a: { $ref: 'https://a.example' } }), 'properties.a.$ref'],
    [object({ a: 1 }), 'properties.a'],
    [object({ a: { anyOf: [] } }), 'properties.a.anyOf'],
    [object({ a: { type: 'array', items: { not: {} } } }), 'properties.a.items.not'],
    [object({}, { required: ['a'] }), 'required.0'],
    [object({}, { allOf: [] }), 'allOf'],
    [object({}, { properties: [] }), 'properties'],
  ] as const)
    assert.equal(schemaProblem(schema)?.path.join('.'), place, JSON.stringify(schema));
});

test('a schema that is too deep or too large is refused, and not followed', () => {
  let deep: object = { type: 'string' };
  for (let level = 0; level < 5_000; level += 1) deep = object({ a: deep });
  assert.match(schemaProblem(deep as Record<string, unknown>)?.message ?? '', /deeper than 40/);
  let eleven: object = { type: 'string' };
  for (let level = 0; level < 11; level += 1) eleven = object({ a: eleven });
  assert.match(schemaProblem(eleven as Record<string, unknown>)?.message ?? '', /deeper than 10/);
  // Also where nobody looks: writing it down would follow it.
  const nested = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
  for (const more of [{ default: nested }, { required: nested }, { examples: [nested] }])
    assert.match(schemaProblem(object({}, more))?.message ?? '', /deeper than 40/);
  const many = Object.fromEntries(
    Array.from({ length: 1_001 }, (_, index) => [`p${index}`, { type: 'null' }]),
  );
  assert.match(schemaProblem(object(many))?.message ?? '', /more than 1000/);
  const long = {
    type: 'json_schema',
    json_schema: { name: 'a', schema: object({ a: { const: 'x'.repeat(70_000) } }) },
  };
  assert.equal(responseFormat.safeParse(long).success, false);
});

test('a format is recorded as its name and schema; text is none', () => {
  assert.equal(formatOf(null), null);
  assert.equal(formatOf({ type: 'text' }), null);
  assert.deepEqual(formatOf({ type: 'json_object' }), { name: '', schema: '{"type":"object"}' });
  const schema = object({ a: { type: 'string' } });
  assert.deepEqual(formatOf({ type: 'json_schema', json_schema: { name: 'n', schema, strict: true } }), {
    name: 'n',
    schema: JSON.stringify(schema),
  });
});

test('no JSON whatever makes it throw, and what it takes the grammar takes', () => {
  const words = ['type', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'const', 'anyOf'];
  const names = fc.constantFrom(...words, '$ref', '$defs', 'minLength', 'format', 'a');
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('object', 'array', 'string', '#/$defs/a', null, 1, true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(names, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));
  const schemas = fc.dictionary(names, value, { maxKeys: 6, noNullPrototype: true });
  fc.assert(
    fc.property(schemas, (schema) => {
      const asked = { ...schema, type: 'object' };
      if (schemaProblem(asked) === null) grammarSchema(asked);
    }),
    { numRuns: 5_000 },
  );
});
