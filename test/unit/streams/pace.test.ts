import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../../streams/kafka/pace.ts';

test('requests far apart never wait, nor does the first burst', () => {
  const pace = new Pace();
  for (const now of [0, 1, 2, 3, 4, 5, 100, 111, 122]) {
    assert.equal(pace.wait(now), undefined, `at ${now}`);
    pace.note(now);
  }
});

test('the seventh request within ten milliseconds waits, and the pace is forgotten when they become fewer', async () => {
  const pace = new Pace();
  for (let now = 0; now < 6; now += 1) pace.note(now);
  const waiting = pace.wait(6);
  assert.ok(waiting instanceof Promise);
  await waiting;
  assert.equal(pace.wait(11), undefined);
});
