import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationOf, limitHeaders } from '../../../../gateway/limits/limit-headers.ts';

test('durations are written as OpenAI writes them', () => {
  assert.deepEqual([0, 12, 999.2, 1_000, 1_234, 59_999, 60_000, 360_000, 61_500].map(durationOf), [
    '0ms',
    '12ms',
    '1000ms',
    '1s',
    '1.24s',
    '60s',
    '1m0s',
    '6m0s',
    '1m2s',
  ]);
});

test('a caller without rates is told of none', () => {
  assert.deepEqual(limitHeaders({ requests: null, tokens: null }), {});
  assert.deepEqual(
    limitHeaders({ requests: null, tokens: { limit: 100, remaining: 40, resetMillis: 36_000 } }),
    {
      'x-ratelimit-limit-tokens': '100',
      'x-ratelimit-remaining-tokens': '40',
      'x-ratelimit-reset-tokens': '36s',
    },
  );
});
