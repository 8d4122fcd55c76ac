import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPatience } from '../../../../gateway/limits/patience.ts';
import { problemOf } from '../../../../gateway/problems.ts';

const never = (): boolean => false;

/** Ten messages a second come, two begin; resolves to the second in which the first is refused, and why. */
function overload(tier: string, seconds: number): { second: number; retryAfterMillis: number | null } | null {
  let now = 0;
  const patience = createPatience(20_000, () => now);
  const line: { begin: () => void }[] = [];
  for (let tick = 0; tick < seconds * 10; tick += 1) {
    now = tick * 100;
    try {
      patience.check('pool', tier, never);
    } catch (error) {
      patience.check('pool', tier, () => true);
      patience.check('pool', 'another', never);
      return { second: now / 1000, retryAfterMillis: problemOf(error).retryAfterMillis };
    }
    line.push(patience.enter('pool', tier));
    if (tick % 5 === 0) line.shift()?.begin();
  }
  return null;
}

test('at five times what it can do, a queue is closed long before anybody waits too long', () => {
  const refused = overload('interactive', 60);
  // With a wait of 20 s ahead, and 5 of them behind the first in line.
  assert.ok(refused !== null && refused.second >= 5 && refused.second < 10, JSON.stringify(refused));
  assert.ok((refused.retryAfterMillis ?? 0) >= 1_000 && (refused.retryAfterMillis ?? 0) <= 60_000);
});

test('a batch may wait, a standard message ten times as long as an interactive one', () => {
  assert.equal(overload('batch', 60), null);
  assert.equal(overload('standard', 40), null);
  assert.ok((overload('standard', 120)?.second ?? 0) >= 50);
});

test('workers that have just begun are not judged by their first second', () => {
  let now = 0;
  const patience = createPatience(20_000, () => now);
  const line = Array.from({ length: 200 }, () => patience.enter('pool', 'interactive'));
  now = 900;
  line[0]?.begin();
  assert.ok(patience.worstSeconds() > 100);
  patience.check('pool', 'interactive', never);
});
