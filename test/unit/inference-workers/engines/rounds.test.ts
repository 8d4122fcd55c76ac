import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createRounds } from '../../../../inference-workers/engines/llama-cpp/rounds.ts';

test('who asks during a round takes part in the next, together with who was in it', async () => {
  const rounds = createRounds();
  const log: string[] = [];
  const slow = Promise.withResolvers<undefined>();
  const first = rounds.take(async () => {
    log.push('a1');
    await slow.promise;
  });
  const second = rounds.take(async () => log.push('b1'));
  await second;
  const late = rounds.take(async () => log.push('c2'));
  const again = rounds.take(async () => log.push('b2'));
  await nextTurn();
  await nextTurn();
  log.push('the first round ends');
  slow.resolve(undefined);
  const more = first.then(() => rounds.take(async () => log.push('a2')));
  await Promise.all([late, again, more]);
  assert.deepEqual(log, ['a1', 'b1', 'the first round ends', 'c2', 'b2', 'a2']);
});

test('a step that fails does not stop the rounds', async () => {
  const rounds = createRounds();
  await assert.rejects(
    rounds.take(() => Promise.reject(new Error('step'))),
    /step/,
  );
  assert.equal(await rounds.take(() => Promise.resolve('next')), 'next');
});
