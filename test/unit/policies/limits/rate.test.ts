import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unused, use, usedAt, waitFor } from '../../../../policies/limits/rate.ts';

test('a minute of waiting gives back a minute of use', () => {
  const rate = use(unused, 60, 60, 1_000);
  assert.equal(usedAt(rate, 60, 1_000), 60);
  assert.equal(usedAt(rate, 60, 31_000), 30);
  assert.equal(usedAt(rate, 60, 61_000), 0);
});

test('the wait that is told is long enough, and not a millisecond longer', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 0, max: 200_000 }),
      fc.integer({ min: 1, max: 200_000 }),
      (perMinute, used, amount) => {
        const rate = use(unused, used, perMinute, 0);
        const wait = waitFor(rate, amount, perMinute, 0);
        assert.equal(waitFor(rate, amount, perMinute, wait), 0);
        if (wait > 0) assert.notEqual(waitFor(rate, amount, perMinute, wait - 1), 0);
      },
    ),
  );
});

test('in any minute no more is let in than twice the limit, and on the long run never more than the limit', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 50, maxLength: 300 }), (gaps) => {
      const perMinute = 30;
      let rate = unused;
      let now = 0;
      let letIn = 0;
      for (const gap of gaps) {
        now += gap;
        if (waitFor(rate, 1, perMinute, now) > 0) continue;
        rate = use(rate, 1, perMinute, now);
        letIn += 1;
      }
      assert.ok(letIn <= perMinute + (now * perMinute) / 60_000 + 1);
    }),
  );
});

test('what is larger than the limit is let in once nothing is in use, and then weighs as much as it is', () => {
  assert.equal(waitFor(unused, 500, 100, 0), 0);
  const rate = use(unused, 500, 100, 0);
  assert.equal(waitFor(rate, 1, 100, 0), 240_600);
});

test('what is given back never makes more than the limit', () => {
  const rate = use(use(unused, 10, 60, 0), -50, 60, 0);
  assert.equal(usedAt(rate, 60, 0), 0);
  assert.equal(waitFor(rate, 60, 60, 0), 0);
});
