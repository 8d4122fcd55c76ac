import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellsOf, columnsOf, objectOf } from '../../../replay/export/columns.ts';
import type { AvroRecord, AvroType } from '../../../schemas/sources.ts';

const field = (name: string, type: AvroType) => ({ name, type, doc: 'A field.' });
const event: AvroRecord = {
  ...{ type: 'record', name: 'Sample', namespace: 'steno.events', doc: 'One of each kind.' },
  fields: [
    field('name', 'string'),
    field('maybe', ['null', 'long']),
    field('count', 'int'),
    field('share', 'float'),
    field('isLast', 'boolean'),
    field('raw', 'bytes'),
    field('at', { type: 'long', logicalType: 'timestamp-millis' }),
    field('tags', { type: 'array', items: 'string' }),
    field('either', ['null', 'string', 'long']),
  ],
};
const data = {
  ...{ name: 'n', maybe: 7, count: 3, share: 0.5, isLast: true, raw: Buffer.from([1]) },
  ...{ at: 1_000, tags: ['a'], either: 'x' },
};
const row = { partition: 2, offset: 9, time: 5_000, data };

test('a column for each field, of its kind, behind the place in the log', () => {
  assert.deepEqual(
    columnsOf(event).map(({ name, kind }) => `${name} ${kind}`),
    [
      ...['log_partition int32', 'log_offset int64', 'log_time timestamp', 'name string', 'maybe int64'],
      ...[
        'count int32',
        'share double',
        'isLast boolean',
        'raw bytes',
        'at timestamp',
        'tags json',
        'either json',
      ],
    ],
  );
});

test('cells are of their column: whole numbers of 64 bits, moments, JSON, nothing', () => {
  const cells = cellsOf(row, columnsOf(event));
  assert.deepEqual(cells, [
    ...[2, 9n, new Date(5_000), 'n', 7n, 3, 0.5, true, Buffer.from([1]), new Date(1_000), '["a"]', '"x"'],
  ]);
  const empty = cellsOf({ ...row, data: { ...data, maybe: null } }, columnsOf(event));
  assert.equal(empty[4], null);
});

test('an object of a row has its place, and the event as it is', () => {
  assert.deepEqual(objectOf(row), {
    ...{ log_partition: 2, log_offset: 9, log_time: '1970-01-01T00:00:05.000Z' },
    ...data,
  });
});
