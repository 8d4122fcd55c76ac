import assert from 'node:assert/strict';
import { test } from 'node:test';
import { degradeTo } from '../../../inference-workers/given-answer.ts';
import { degradedSentence } from '../../../inference-workers/degraded-sentence.ts';

const route = { pool: 'p', tier: 'interactive', model: 'a', canaryBucket: -1 } as const;

test('a chain is degraded only where it says so, nothing was shown, and nobody did before', () => {
  const fallbacks = ['b', 'steno-degraded'];
  const to = (more: object, written = '', from: readonly string[] = []): string | null =>
    degradeTo({ route: { ...route, fallbacks, ...more }, fallbackFrom: from }, written)?.pool ?? null;
  assert.equal(to({}), 'p');
  assert.equal(to({ fallbacks: ['b'] }), null);
  assert.equal(to({}, 'shown'), null);
  assert.equal(to({ model: 'steno-degraded' }), null);
  assert.equal(to({}, '', ['a', 'steno-degraded']), null);
});

test('the sentence is in the language of the tag, in English for others', () => {
  assert.match(degradedSentence('fr-CA'), /réessayer/);
  assert.equal(degradedSentence('FR'), degradedSentence('fr'));
  for (const unknown of [null, '', 'tlh', 'constructor', '__proto__'])
    assert.match(degradedSentence(unknown), /^I cannot answer/);
});
