import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../../../streams/ids.ts';
import { given, theOutput } from '../../../support/builders-prepare-turn.ts';
import {
  aCancellation,
  aCancelRequest,
  aCompletion,
  aFirstMessage,
  aMessage,
  PARTITION,
} from '../../../support/builders.ts';

test('a stop of a message that waits cancels it at once: no worker ever sees it', () => {
  const { outputs, after } = given([aFirstMessage('q1'), aMessage('q2')])
    .when(aCancelRequest('q2'))
    .then([
      {
        type: 'InferenceCancelled',
        data: {
          inferenceId: 'inf_q2',
          attempt: 0,
          claim: '',
          cancelId: 'cancel_q2',
          cancelReason: 'stop',
          nextSeq: 0,
          textHash: sha256(''),
        },
      },
    ]);
  assert.deepEqual([outputs[0]?.topic, outputs[0]?.partition], ['conversations.v1', PARTITION]);
  assert.deepEqual(after?.row.parked, []);
});

test("a stopped message is not prepared when its parent's answer comes first, and ends when its own end is folded", () => {
  const log = [aFirstMessage('q1'), aMessage('q2'), aCancelRequest('q2')];
  given(log)
    .when(aCompletion('q1'))
    .then([{ type: 'InferenceEnded', data: { inferenceId: 'inf_q1' } }, { type: 'TurnMeasured' }]);
  given([...log, aCompletion('q1')])
    .when(aCancellation('q2', '', { attempt: 0, claim: '' }))
    .then([
      { type: 'InferenceEnded', data: { inferenceId: 'inf_q2', outcome: 'cancelled', seq: 0 } },
      { type: 'TurnMeasured', data: { inferenceId: 'inf_q2' } },
    ]);
});

test('a stop of a running inference is relayed to the workers', () => {
  const { outputs } = given([aFirstMessage('q1')])
    .when(aCancelRequest('q1', { reason: 'disconnect' }))
    .then([
      {
        type: 'CancelRequested',
        data: { inferenceId: 'inf_q1', reason: 'disconnect', causationId: 'cancel_q1' },
      },
    ]);
  const relayed = theOutput(outputs, 'CancelRequested');
  assert.equal(relayed.topic, 'inference-control.v1');
  assert.equal(relayed.key, 'inf_q1');
  assert.notEqual(relayed.data.eventId, 'cancel_q1', 'another event, with an id of its own');
});

test('a stop of an inference that ended, or that was stopped before, does nothing', () => {
  const nothing = (log: Parameters<typeof given>[0]): void => {
    const { decision } = given(log).when(aCancelRequest('q1')).then([]);
    assert.deepEqual([decision.row, decision.turns], [null, []]);
  };
  nothing([aFirstMessage('q1'), aCompletion('q1')]);
  nothing([aFirstMessage('q1'), aCancelRequest('q1')]);
  nothing([]);
});

test('a stop by another tenant does nothing', () => {
  given([aFirstMessage('q1')])
    .when(aCancelRequest('q1', { tenantId: 'tenant_b' }))
    .then([]);
  given([aFirstMessage('q1'), aMessage('q2')])
    .when(aCancelRequest('q2', { tenantId: 'tenant_b' }))
    .then([]);
});

test('a stop that comes too late does not undo the answer', () => {
  given([aFirstMessage('q1'), aCancelRequest('q1')])
    .when(aCompletion('q1'))
    .then([{ type: 'InferenceEnded', data: { outcome: 'completed' } }, { type: 'TurnMeasured' }]);
});
