import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOf, responseFormat } from '../../../../gateway/openai/response-format.ts';
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
  assert.match(schemaProblem(deep as Record<string, unknown>)?.message ?? '', /deeper than 10/);
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
