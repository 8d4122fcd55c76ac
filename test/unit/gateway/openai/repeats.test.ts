import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createAbandonment } from '../../../../gateway/openai/abandonment.ts';
import { createRepeats } from '../../../../gateway/openai/repeats.ts';

test('a counted repeat has the key of the call it repeats, for ten minutes', () => {
  let now = 0;
  const repeats = createRepeats(() => now);
  const first = repeats.keyFor('ann asks', false);
  now = 10 * 60_000;
  assert.equal(repeats.keyFor('ann asks', true), first);
  assert.notEqual(repeats.keyFor('bob asks', true), first);
  now += 1;
  assert.notEqual(repeats.keyFor('ann asks', true), first);
});

test('the same call again, not counted as a repeat, is another call', () => {
  const repeats = createRepeats();
  const first = repeats.keyFor('x', false);
  const second = repeats.keyFor('x', false);
  assert.notEqual(second, first);
  assert.equal(repeats.keyFor('x', true), second);
});

test('a call that came to nothing is not repeated, nor forgotten for one that came after', () => {
  const repeats = createRepeats();
  const first = repeats.keyFor('x', false);
  repeats.forget('x', first);
  const second = repeats.keyFor('x', true);
  assert.notEqual(second, first);
  repeats.forget('x', first);
  assert.equal(repeats.keyFor('x', true), second);
});

test('memory is bounded: the oldest calls are forgotten first', () => {
  const repeats = createRepeats(() => 0);
  const keys = Array.from({ length: 10_001 }, (_, index) => repeats.keyFor(String(index), false));
  assert.equal(repeats.keyFor('10000', true), keys[10_000]);
  assert.equal(repeats.keyFor('1', true), keys[1]);
  assert.notEqual(repeats.keyFor('0', true), keys[0]);
});

test('an answer that was left is stopped after the grace, unless somebody attached or reads', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const stopped: string[] = [];
    const read = new Set<string>();
    const abandonment = createAbandonment({
      isRead: (inferenceId) => read.has(inferenceId),
      onFailure: assert.ifError,
    });
    const leave = (inferenceId: string): void =>
      abandonment.left(inferenceId, () => Promise.resolve(stopped.push(inferenceId)));
    for (const inferenceId of ['left', 'attached', 'read', 'left again']) leave(inferenceId);
    mock.timers.tick(4_999);
    abandonment.attached('attached');
    read.add('read');
    leave('left again');
    assert.deepEqual(stopped, []);
    mock.timers.tick(1);
    assert.deepEqual(stopped, ['left']);
    mock.timers.tick(5_000);
    assert.deepEqual(stopped, ['left', 'left again']);
    leave('at the end');
    abandonment.close();
    mock.timers.tick(10_000);
    assert.equal(stopped.length, 2);
  } finally {
    mock.timers.reset();
  }
});
