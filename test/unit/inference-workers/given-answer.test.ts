import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnswerCache } from '../../../inference-workers/answer-cache.ts';
import { degradeTo, saysNoMore } from '../../../inference-workers/given-answer.ts';
import { degradedSentence } from '../../../inference-workers/degraded-sentence.ts';
import { someParameters } from '../../support/builders.ts';

const route = { pool: 'p', tier: 'interactive', model: 'a', canaryBucket: -1 } as const;
const worker = {
  ...{ workerId: 'w', model: 'a', pool: 'p', producer: { service: 's', version: '1' }, engine: 'e' },
  ...{
    modelHash: 'h',
    templateHash: 't',
    price: { inputPerMillion: 1, outputPerMillion: 1, currency: 'USD' },
  },
};
const said = degradedSentence(null);

function requested(more: object): Parameters<typeof degradeTo>[1] {
  const parameters = someParameters();
  const fallbacks = ['b', 'steno-degraded'];
  const data = { tenantId: 'acme', promptHash: 'h', parameters, route: { ...route, fallbacks, ...more } };
  return { data, time: 1 };
}

test('a chain is degraded only where it says so, and nothing else was shown', () => {
  const to = (more: object, written = ''): string | null =>
    degradeTo(createAnswerCache(1_000), requested(more), worker, written)?.pool ?? null;
  assert.equal(to({}), 'p');
  assert.equal(to({ fallbacks: ['b'] }), null);
  assert.equal(to({}, 'shown'), null);
  assert.equal(to({ model: 'steno-degraded' }), null);
  assert.equal(to({}, said), 'p', 'who failed before may be given the request again after the sentence');
});

test('what has to be JSON does not become a sentence', () => {
  const { data, time } = requested({});
  const format = { name: 'n', schema: '{"type":"object"}' };
  const asked = { data: { ...data, parameters: { ...data.parameters, format } }, time };
  assert.equal(degradeTo(createAnswerCache(1_000), asked, worker, ''), null);
});

test('no model goes on after the sentence', () => {
  assert.ok(saysNoMore(requested({}).data, said));
  assert.ok(!saysNoMore(requested({}).data, said.slice(0, 5)));
  assert.ok(!saysNoMore(requested({ fallbacks: [] }).data, said));
});

test('the sentence is in the language of the tag, in English for others', () => {
  assert.match(degradedSentence('fr-CA'), /réessayer/);
  assert.equal(degradedSentence('FR'), degradedSentence('fr'));
  for (const unknown of [null, '', 'tlh', 'constructor', '__proto__'])
    assert.match(degradedSentence(unknown), /^I cannot answer/);
});
