import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { jsonSchemaOf } from '../../../schemas/json-schema.ts';
import type { AvroRecord } from '../../../schemas/sources.ts';

const part: AvroRecord = {
  type: 'record',
  name: 'Part',
  namespace: 'steno.types',
  doc: 'A part.',
  fields: [{ name: 'bytes', type: 'bytes', doc: 'Raw.' }],
};
const record: AvroRecord = {
  type: 'record',
  name: 'Sample',
  namespace: 'steno.events',
  doc: 'One of each kind.',
  fields: [
    { name: 'part', type: part, doc: 'Written out.' },
    { name: 'parts', type: { type: 'array', items: 'steno.types.Part' }, doc: 'Named again.' },
    { name: 'maybe', type: ['null', 'string'], doc: 'Or not.' },
    { name: 'counts', type: { type: 'map', values: 'int' }, doc: 'By name.' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' }, doc: 'When.' },
    {
      name: 'kind',
      type: {
        type: 'enum',
        name: 'Kind',
        namespace: 'steno.types',
        doc: 'Kind.',
        symbols: ['A'],
        default: 'A',
      },
      doc: 'Which.',
    },
    { name: 'share', type: 'double', doc: 'Of one.' },
    { name: 'isLast', type: 'boolean', doc: 'The last.' },
  ],
};
const good = {
  ...{ part: { bytes: 'AA==' }, parts: [{ bytes: '' }], maybe: null, counts: { a: 1 } },
  ...{ at: 5, kind: 'A', share: 0.5, isLast: true },
};

test('it takes what fits, what later versions add included', () => {
  const check = new Ajv({ strict: false }).compile(jsonSchemaOf(record));
  for (const value of [good, { ...good, maybe: 'yes' }, { ...good, kind: 'NEW' }, { ...good, later: 1 }])
    assert.ok(check(value), JSON.stringify(check.errors));
});

test('it refuses each field that is missing or of another kind', () => {
  const check = new Ajv({ strict: false }).compile(jsonSchemaOf(record));
  const wrong = {
    ...{ part: 'AA==', parts: [{}], maybe: 5, counts: { a: 'b' } },
    ...{ at: 'now', kind: 1, share: '1', isLast: 0 },
  };
  for (const name of Object.keys(good)) {
    assert.equal(check({ ...good, [name]: wrong[name as keyof typeof wrong] }), false, name);
    const { [name as keyof typeof good]: _, ...rest } = good;
    assert.equal(check(rest), false, `without ${name}`);
  }
});

test('it refuses a type it does not know', () => {
  const fields = [{ name: 'x', type: 'steno.types.Nowhere', doc: 'Unknown.' }];
  assert.throws(() => jsonSchemaOf({ ...record, fields }), /steno\.types\.Nowhere/);
});
