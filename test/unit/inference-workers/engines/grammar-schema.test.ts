import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grammarSchema } from '../../../../inference-workers/engines/llama-cpp/grammar-schema.ts';

const same = { type: 'string' };

test('a JSON Schema is told in the words of the grammar', () => {
  for (const [schema, expected] of [
    [{ type: 'object' }, { type: 'object', additionalProperties: true }],
    [{ type: 'object', additionalProperties: false }, { type: 'object' }],
    [
      { type: 'object', additionalProperties: same },
      { type: 'object', additionalProperties: same },
    ],
    [
      { title: 't', properties: { a: same }, required: [], additionalProperties: true },
      { type: 'object', properties: { a: same } },
    ],
    [{ anyOf: [same, { type: 'null' }] }, { oneOf: [same, { type: 'null' }] }],
    [
      { type: ['array', 'null'], items: same, maxItems: 2 },
      { oneOf: [{ type: 'array', items: same, maxItems: 2 }, { type: 'null' }] },
    ],
    [{ type: ['string', 'null'] }, { type: ['string', 'null'] }],
    [
      { type: 'string', minLength: 1, description: 'x' },
      { type: 'string', minLength: 1 },
    ],
    [{ enum: ['a', 1] }, { enum: ['a', 1] }],
    [{ type: 'string', const: 'a' }, { const: 'a' }],
    [
      { $ref: '#/definitions/a', definitions: { a: same } },
      { $ref: '#/$defs/a', $defs: { a: same } },
    ],
    [{}, { type: ['string', 'number', 'boolean', 'null'] }],
    [true, { type: ['string', 'number', 'boolean', 'null'] }],
  ] as const)
    assert.deepEqual(grammarSchema(schema), expected, JSON.stringify(schema));
});
