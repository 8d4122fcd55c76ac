import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NO_ANSWER, takeFrame, type Answer } from '../../../cli/ask/answer.ts';
import { parseServerFrame, type ServerFrame } from '../../../cli/ask/server-frame.ts';

const inference = { inference_id: 'inf-1' };
const accepted: ServerFrame = {
  ...{ type: 'accepted', id: 'a', ...inference, message_id: 'm', conversation_id: 'c', token: 't' },
};
const delta = (seq: number): ServerFrame => ({ type: 'delta', ...inference, seq, text: `${seq}` });
const failure = (fields: { seq?: number; retryable: boolean }): ServerFrame => ({
  ...{ type: 'error', code: 'x', message: 'it failed', ...fields },
});

/** Takes frames in order; returns the answer and which of them counted. */
function takeAll(frames: readonly ServerFrame[]): { answer: Answer; verdicts: readonly string[] } {
  let answer = NO_ANSWER;
  const verdicts = frames.map((frame) => {
    const step = takeFrame(answer, frame);
    ({ answer } = step);
    return step.verdict;
  });
  return { answer, verdicts };
}

describe('frames of an answer', () => {
  test('a resumed connection shows nothing twice', () => {
    const { answer, verdicts } = takeAll([accepted, delta(0), delta(1), delta(0), delta(1), delta(2)]);
    assert.deepEqual(verdicts, ['taken', 'taken', 'taken', 'ignored', 'ignored', 'taken']);
    assert.equal(answer.lastSeq, 2);
    assert.equal(answer.accepted?.token, 't');
  });

  test('a second accepted of the same message changes nothing', () => {
    assert.deepEqual(takeAll([accepted, accepted]).verdicts, ['taken', 'ignored']);
  });

  test('an error with a seq is the recorded end, one without only breaks the stream', () => {
    const recorded = takeAll([accepted, failure({ seq: 4, retryable: true })]);
    assert.equal(recorded.answer.end?.type, 'error');
    const broken = takeAll([accepted, failure({ retryable: true })]);
    assert.deepEqual([broken.verdicts[1], broken.answer.end], ['retry', null]);
    const refused = takeAll([failure({ retryable: false })]);
    assert.equal(refused.answer.end?.type, 'error');
  });

  test('nothing counts after the end', () => {
    assert.equal(takeAll([accepted, failure({ seq: 0, retryable: false }), delta(3)]).verdicts[2], 'ignored');
  });

  test('a frame of a later version is passed over, its fields are kept', () => {
    assert.equal(parseServerFrame('{"type":"applause"}'), null);
    assert.equal(parseServerFrame('not json'), null);
    const frame = parseServerFrame('{"type":"reset","inference_id":"i","seq":3,"why":"later"}');
    assert.deepEqual(frame, { type: 'reset', inference_id: 'i', seq: 3, why: 'later' });
  });
});
