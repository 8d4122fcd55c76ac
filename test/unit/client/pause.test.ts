import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseAfter } from '../../../client/session/pause.js';

const pauses = (count: number, facts: { gateways?: number; random: number }): number[] =>
  Array.from({ length: count }, (_unused, failures) => pauseAfter({ failures, ...facts }));

test('pauses double up to ten seconds', () => {
  assert.deepEqual(pauses(8, { random: 1 }), [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  assert.equal(pauseAfter({ failures: 5_000, random: 1 }), 10_000);
});

test('chance takes up to a half of them', () => {
  assert.deepEqual(pauses(3, { random: 0 }), [125, 250, 500]);
});

test('they double with every round over all gateways, not with every gateway', () => {
  assert.deepEqual(pauses(6, { gateways: 3, random: 1 }), [250, 250, 250, 500, 500, 500]);
});

test('a gateway that restarts is left at once; one with too much to do, and one we asked too much, get time', () => {
  assert.equal(pauseAfter({ failures: 0, code: 1012, random: 1 }), 250);
  assert.equal(pauseAfter({ failures: 0, code: 1013, random: 1 }), 1_250);
  assert.equal(pauseAfter({ failures: 0, code: 4429, random: 1 }), 5_250);
});
