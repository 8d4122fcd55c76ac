import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTurns } from '../../../../gateway/status-page/recent-turns.ts';

const BOUNDS = [0.01, 0.1, 1];

test('counts fall into their bucket and their interval, and leave after five minutes', () => {
  let now = 1_000;
  const turns = countTurns(BOUNDS, () => now);
  turns.onOutcome('accepted');
  turns.onFirstDelta(0.01);
  turns.onFirstDelta(0.02);
  turns.onFirstDelta(7);
  turns.onOutcome('refused');
  turns.onOutcome('unknown');
  const first = turns.read();
  assert.deepEqual(
    first.firstTokens.map(({ le, count }) => [le, count]),
    [
      [0.01, 1],
      [0.1, 1],
      [1, 0],
      [null, 1],
    ],
  );
  assert.equal(first.refused, 2);
  assert.equal(first.accepted.at(-1), 1);

  now += 250;
  turns.onOutcome('accepted');
  const second = turns.read();
  assert.equal(second.accepted.at(-1), 1);
  assert.equal(
    second.accepted.reduce((sum, value) => sum + value, 0),
    2,
  );

  now += 51;
  assert.equal(
    turns.read().accepted.reduce((sum, value) => sum + value, 0),
    1,
  );
  now += 100_000;
  assert.equal(
    turns.read().accepted.reduce((sum, value) => sum + value, 0),
    0,
  );
  assert.equal(
    turns.read().firstTokens.reduce((sum, { count }) => sum + count, 0),
    0,
  );
});

test('a clock that began a moment ago counts as well', () => {
  let now = 0.5;
  const turns = countTurns(BOUNDS, () => now);
  turns.onOutcome('accepted');
  now = 2.5;
  turns.onOutcome('accepted');
  assert.equal(turns.read().accepted.at(-1), 2);
});
