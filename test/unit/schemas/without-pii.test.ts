import assert from 'node:assert/strict';
import { test } from 'node:test';
import { avroOf } from '../../../schemas/avro-of.ts';
import { datasets, type Dataset } from '../../../streams/topics.ts';
import type { AvroRecord, AvroType } from '../../../schemas/sources.ts';
import { withoutPii } from '../../../schemas/without-pii.ts';

const eventTypes = Object.values<Dataset>(datasets).flatMap(({ events }) => events);
const content: AvroRecord = {
  ...{ type: 'record', name: 'Content', namespace: 'steno.types', doc: 'Text.' },
  fields: [
    { name: 'text', type: ['null', 'string'], doc: 'Words.', pii: true },
    { name: 'keyId', type: ['null', 'string'], doc: 'Key.' },
  ],
};
const field = (name: string, type: AvroType) => ({ name, type, doc: 'A field.' });
const event: AvroRecord = {
  ...{ type: 'record', name: 'Sample', namespace: 'steno.events', doc: 'All the places.' },
  fields: [
    field('content', content),
    field('maybe', ['null', 'steno.types.Content']),
    field('several', { type: 'array', items: 'steno.types.Content' }),
    field('named', { type: 'map', values: 'steno.types.Content' }),
    field('at', { type: 'long', logicalType: 'timestamp-millis' }),
    field('model', 'string'),
  ],
};
const said = { text: 'secret', keyId: 'k' };
const value = { content: said, maybe: said, several: [said, said], named: { a: said }, at: 5, model: 'm' };

test('what is personal is left null wherever it lies, and nothing else is touched', () => {
  const kept = { text: null, keyId: 'k' };
  const redact = withoutPii(event);
  assert.deepEqual(redact(value), {
    ...{ content: kept, maybe: kept, several: [kept, kept], named: { a: kept }, at: 5, model: 'm' },
  });
  assert.deepEqual(redact({ ...value, maybe: null }), { ...(redact(value) as object), maybe: null });
  assert.equal(value.content.text, 'secret', 'the value itself stays');
});

test('a personal field that cannot be null is refused', () => {
  const fields = [{ name: 'text', type: 'string', doc: 'Words.', pii: true }];
  assert.throws(() => withoutPii({ ...event, fields }), /Sample\.text is personal and cannot be null/);
});

test('every event of ours can be redacted, and those with words lose them', () => {
  const probe = { content: { text: 'secret' }, parts: [{ text: { text: 'secret' } }] };
  const changed = eventTypes.filter(
    (event) => JSON.stringify(withoutPii(avroOf(event))(probe)) !== JSON.stringify(probe),
  );
  assert.ok(changed.length >= 4, `${changed.length}`);
});
