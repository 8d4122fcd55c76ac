import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureIn, notableLine } from '../../../cli/up/roles/log-line.ts';

const line = (fields: Record<string, unknown>): string =>
  JSON.stringify({ level: 40, time: 'now', pid: 7, role: 'gateway', ...fields });

describe('a line of a log', () => {
  test('is shown short when it warns', () => {
    const text = line({ msg: 'append is slow', millis: 900, cause: 'broker', nested: { a: 1 } });
    assert.deepEqual(notableLine('gateway', text), {
      text: 'gateway: append is slow  millis=900 cause=broker',
      isError: false,
    });
  });

  test('is shown with reason and fix when it is an error', () => {
    const text = line({
      level: 50,
      msg: 'role failed',
      code: 'x',
      reason: 'no file',
      fix: 'make it',
      stack: 'at …',
    });
    assert.deepEqual(notableLine('gateway', text), {
      text: 'gateway: role failed: no file (make it)',
      isError: true,
    });
    assert.deepEqual(failureIn(text), { code: 'x', reason: 'no file', fix: 'make it' });
  });

  for (const [what, text] of [
    ['information', line({ level: 30, msg: 'ready' })],
    ['the output of a library', 'llama_model_loader: loaded'],
    ['half a line', '{"level":50,"msg'],
    ['nothing', ''],
  ] as const) {
    test(`is not shown when it is ${what}`, () => {
      assert.equal(notableLine('gateway', text), null);
      assert.equal(failureIn(text), null);
    });
  }

  test('cannot move the cursor', () => {
    const text = notableLine('gateway', line({ msg: 'odd', name: 'a\u001b[2Jb\nc' }))?.text;
    assert.equal(text, 'gateway: odd  name=a [2Jb c');
  });
});
