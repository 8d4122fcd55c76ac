import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedFrame, framesOf } from '../../../gateway/streams/frames.ts';
import { problemOf, refuse } from '../../../gateway/problems.ts';

const frames = framesOf('inf_"1');
const NASTY = 'a"b\\c\n\u0000\u2028😀\ud800';

test('a delta is JSON, whatever its text holds', () => {
  const frame: unknown = JSON.parse(frames.delta(7, NASTY));
  assert.deepEqual(frame, { type: 'delta', inference_id: 'inf_"1', seq: 7, text: NASTY });
});

test('no frame holds a line break, so that it fits one data line', () => {
  const end = {
    outcome: 'completed' as const,
    finishReason: 'stop',
    model: 'm\n',
    promptTokens: 1,
    completionTokens: 2,
    cachedTokens: 0,
  };
  const problem = problemOf(refuse('invalid_request', 'two\nlines'));
  const all = [
    frames.delta(0, NASTY),
    frames.reset(1),
    frames.done(2, end),
    frames.error(problem, null),
    frames.draining(-1),
  ];
  for (const frame of all) assert.ok(!/[\r\n]/.test(frame), frame);
});

test('done names outcome, reason, model and usage', () => {
  const end = {
    outcome: 'cancelled' as const,
    finishReason: null,
    model: 'm',
    promptTokens: 5,
    completionTokens: 2,
    cachedTokens: 4,
  };
  assert.deepEqual(JSON.parse(frames.done(3, end)), {
    type: 'done',
    inference_id: 'inf_"1',
    seq: 3,
    outcome: 'cancelled',
    finish_reason: null,
    model: 'm',
    usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7, cached_tokens: 4 },
  });
});

test('an error says what to do and whether to try again', () => {
  const frame: unknown = JSON.parse(
    framesOf('inf_1', 'm1').error(problemOf(refuse('overloaded', 'full', { fix: 'wait' })), null),
  );
  assert.deepEqual(frame, {
    type: 'error',
    id: 'm1',
    inference_id: 'inf_1',
    code: 'overloaded',
    message: 'full',
    fix: 'wait',
    retryable: true,
    retry_after_ms: 1000,
  });
});

test('accepted gives the client its own id back, and the token', () => {
  const place = {
    tenantId: 'acme',
    conversationId: 'conv_1',
    messageId: 'msg_1',
    inferenceId: 'inf_1',
    replyPartition: 1,
    deltasFrom: 2,
  };
  assert.deepEqual(JSON.parse(acceptedFrame({ place, token: 't', clientId: 'm1' })), {
    type: 'accepted',
    id: 'm1',
    inference_id: 'inf_1',
    message_id: 'msg_1',
    conversation_id: 'conv_1',
    token: 't',
  });
});
