import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeError } from '../../../cli/describe-error.ts';
import { StenoError } from '../../../runtime/errors.ts';

test('an error is one line with cause and fix', () => {
  const error = new StenoError('x', 'bad things:\n  one\n  two', { fix: 'correct them' });
  assert.equal(describeError(error), 'steno: bad things: one two. Correct them.');
});

test('full stops are not doubled, and names stay as they are spelled', () => {
  const error = new StenoError('x', 'The disk is full.', { fix: 'STENO_DATA_DIR may name another.' });
  assert.equal(describeError(error), 'steno: The disk is full. STENO_DATA_DIR may name another.');
});

test('an error without a fix, and anything else that was thrown, is told too', () => {
  assert.equal(describeError(new StenoError('x', 'no')), 'steno: no.');
  assert.equal(describeError(new Error('boom')), 'steno: boom.');
  assert.equal(describeError('odd'), 'steno: odd.');
});
