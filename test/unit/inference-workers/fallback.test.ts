import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayFallBack, nextModel } from '../../../inference-workers/fallback.ts';
import { createRetryBudget } from '../../../inference-workers/retry-budget.ts';

const models = ['a', 'b', 'c'].map((id) => ({
  ...{ id, pool: `pool-${id}`, maxOutputTokens: 10 },
  price: { inputPerMillion: 0, outputPerMillion: 0, currency: 'USD' },
}));
const route = { pool: 'pool-a', tier: 'interactive', model: 'a', canaryBucket: -1 } as const;

function next(fallbackFrom: readonly string[], own: string, fallbacks = ['b', 'c']): string | null {
  return nextModel({ fallbackFrom, route: { ...route, fallbacks } }, own, models)?.id ?? null;
}

test('each model of the chain is asked once, in order, whoever fails', () => {
  assert.equal(next([], 'a'), 'b');
  assert.equal(next(['a'], 'b'), 'c');
  assert.equal(next(['a', 'b'], 'c'), null);
  assert.equal(next(['a'], 'c'), 'b');
  assert.equal(next([], 'a', []), null);
});

test('a model that the catalogue has no longer ends the chain', () => {
  assert.equal(next([], 'a', ['gone', 'c']), null);
});

test('what tells against the prompt is not asked elsewhere', () => {
  for (const code of ['engine_unavailable', 'engine_failed', 'model_not_loaded', 'timeout'])
    assert.ok(mayFallBack(code), code);
  for (const code of ['prompt_too_large', 'cancelled', 'membership_lost', 'record_too_large'])
    assert.ok(!mayFallBack(code), code);
});

test('retries are a fifth of the requests and what was saved up', () => {
  const budget = createRetryBudget();
  let taken = 0;
  while (budget.withdraw()) taken += 1;
  assert.equal(taken, 20);
  for (let request = 0; request < 10; request += 1) budget.deposit();
  assert.deepEqual([budget.withdraw(), budget.withdraw(), budget.withdraw()], [true, true, false]);
});
