import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paceOf } from '../../../streams/kafka/pace.ts';

test('requests of a record each never wait, however many: a wait would bring no company', () => {
  const pace = paceOf('now');
  for (let now = 0; now < 200; now += 2) {
    assert.equal(pace.wait(now), undefined, `at ${now}`);
    pace.note(now, 1);
  }
});

test('requests whose records come thick and fast keep a gap, and the pace is forgotten when they become fewer', async () => {
  const pace = paceOf('now');
  for (let now = 0; now < 10; now += 1) {
    void pace.wait(now);
    pace.note(now, 2);
  }
  const waiting = pace.wait(10);
  assert.ok(waiting instanceof Promise);
  await waiting;
  assert.equal(pace.wait(12), undefined, 'the gap has passed');
  pace.note(40, 1);
  assert.equal(pace.wait(41), undefined);
});

test('what nobody waits for always waits for company', () => {
  const pace = paceOf('later');
  assert.ok(pace.wait(0) instanceof Promise);
  assert.ok(pace.wait(1_000) instanceof Promise);
});

test('ends wait for each other only while several of them travel together', () => {
  const pace = paceOf('soon');
  for (const now of [0, 1, 2, 3, 4, 5, 6, 7]) {
    assert.equal(pace.wait(now), undefined, `at ${now}`);
    pace.note(now, 1);
  }
  pace.note(8, 5);
  assert.ok(pace.wait(9) instanceof Promise);
  assert.equal(pace.wait(18), undefined);
});
