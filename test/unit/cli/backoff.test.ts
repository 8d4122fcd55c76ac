import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRestart } from '../../../cli/up/roles/backoff.ts';

test('a role is started again at once, then after pauses that double up to 5 s', () => {
  const pauses: number[] = [];
  for (let failures = 0; failures < 9;) {
    const plan = planRestart(failures, 0);
    pauses.push(plan.pauseMs);
    failures = plan.failures;
  }
  assert.deepEqual(pauses, [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

test('four ends in a row are a loop', () => {
  assert.equal(planRestart(2, 0).isLoop, false);
  assert.equal(planRestart(3, 0).isLoop, true);
});

test('ten healthy seconds make good for all failures before', () => {
  assert.deepEqual(planRestart(20, 10_000), { failures: 1, pauseMs: 0, isLoop: false });
  assert.equal(planRestart(20, 9_999).failures, 21);
});
