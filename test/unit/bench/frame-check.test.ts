import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameCheck } from '../../../bench/support/frame-check.ts';
import { VoidRun } from '../../../bench/support/void-run.ts';

const accepted = { type: 'accepted', inference_id: 'inf-1' };
const done = { type: 'done', inference_id: 'inf-1', seq: 2, outcome: 'completed' };
const delta = (seq: number, text: string): Readonly<Record<string, unknown>> => ({
  type: 'delta',
  inference_id: 'inf-1',
  seq,
  text,
});

function take(...frames: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  const check = new FrameCheck('question', 'one two');
  return frames.map((frame) => check.take(frame));
}

test('an answer whose deltas are in order and whose text is right passes', () => {
  assert.deepEqual(take(accepted, delta(0, 'one'), delta(1, ' two'), done), [
    'accepted',
    'delta',
    'delta',
    'done',
  ]);
});

const wrong = {
  'a lost delta': [accepted, delta(1, ' two')],
  'a doubled delta': [accepted, delta(0, 'one'), delta(0, 'one')],
  'deltas out of order': [accepted, delta(1, ' two'), delta(0, 'one')],
  'other text': [accepted, delta(0, 'one'), delta(1, ' three'), done],
  'an answer that ends too early': [accepted, delta(0, 'one'), done],
  'a delta of another answer': [accepted, { ...delta(0, 'one'), inference_id: 'inf-2' }],
  'a delta before the message was accepted': [delta(0, 'one')],
  'an answer that was cancelled': [accepted, delta(0, 'one two'), { ...done, outcome: 'cancelled' }],
  'an error': [accepted, { type: 'error', inference_id: 'inf-1', code: 'timeout' }],
};

for (const [what, frames] of Object.entries(wrong)) {
  test(`${what} makes the run void`, () => {
    assert.throws(() => take(...frames), VoidRun);
  });
}
