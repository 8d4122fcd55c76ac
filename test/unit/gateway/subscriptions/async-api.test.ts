import assert from 'node:assert/strict';
import { test } from 'node:test';
import specs from '@asyncapi/specs';
import { Ajv, type AnySchema } from 'ajv';
import { asyncApiOf } from '../../../../gateway/subscriptions/async-api.ts';
import { datasets, SUBSCRIBABLE, type Dataset } from '../../../../streams/topics.ts';

type Node = { readonly [name: string]: Node };

const document = asyncApiOf('steno', '1.2.3');
// Read by name below, and each name that is missing fails its test.
const tree = document as unknown as Node;

test('it is valid by the schema that AsyncAPI publishes, and one with a mistake is not', () => {
  // AsyncAPI types it as any draft 7 schema, of which Ajv knows more.
  const published = specs.schemasWithoutId['3.0.0'] as AnySchema;
  const check = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(published);
  assert.ok(check(document), JSON.stringify(check.errors?.slice(0, 5), null, 2));
  assert.equal(check({ ...document, operations: { x: { action: 'shout', channel: {} } } }), false);
});

test('every topic is there with its partitions and retention, and every event of it', () => {
  for (const [name, dataset] of Object.entries<Dataset>(datasets)) {
    const channel = tree['channels']?.[name];
    const kafka = channel?.['bindings']?.['kafka'];
    assert.equal(kafka?.['partitions'], dataset.partitions, name);
    const kept = dataset.retention.kind === 'time' ? dataset.retention.millis : -1;
    assert.equal(kafka['topicConfiguration']?.['retention.ms'], kept, name);
    const expected = dataset.events.length === 0 ? ['original'] : [...dataset.events];
    assert.deepEqual(Object.keys(channel?.['messages'] ?? {}), expected, name);
  }
});

test('a subscription brings the events of the topics that may be subscribed to, and nothing else', () => {
  const brought = Object.keys(tree['channels']?.['subscription']?.['messages'] ?? {});
  assert.deepEqual(new Set(brought), new Set(SUBSCRIBABLE.flatMap((name) => datasets[name].events)));
});

test('no reference leads nowhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)];
  assert.ok(references.length > 50);
  for (const [, path = ''] of references) {
    const found = path.split('/').reduce<Node | undefined>((node, name) => node?.[name], tree);
    assert.notEqual(found, undefined, path);
  }
});
