import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../../../streams/ids.ts';
import { fold, given, theOutput } from '../../../support/builders-prepare-turn.ts';
import {
  aCancellation,
  aCompletion,
  aFailure,
  aFirstMessage,
  anAttempt,
  anErasure,
  PARTITION,
  START_TIME,
  STEP_MILLIS,
} from '../../../support/builders.ts';

test('the effective terminal event is answered on the reply partition and measured', () => {
  const { outputs, after } = given([aFirstMessage('q1')])
    .when(aCompletion('q1', 'grüße', { nextSeq: 5, firstSeq: 2 }))
    .then([
      {
        type: 'InferenceEnded',
        data: {
          inferenceId: 'inf_q1',
          messageId: 'q1',
          outcome: 'completed',
          claim: 'claim_q1_1',
          seq: 5,
          textBytes: 7,
          textHash: sha256('grüße'),
          recordedAt: START_TIME + STEP_MILLIS,
          recordPartition: PARTITION,
          recordOffset: 1,
          finishReason: 'stop',
          code: null,
          submittedAt: START_TIME,
        },
      },
      { type: 'TurnMeasured', data: { inferenceId: 'inf_q1', outcome: 'completed', recordOffset: 1 } },
    ]);
  const [ended, measured] = outputs;
  assert.deepEqual([ended?.topic, ended?.partition, ended?.key], ['inference-deltas.v1', 3, 'inf_q1']);
  assert.deepEqual([measured?.topic, measured?.partition], ['turns.v1', null]);
  const turn = after?.turns.get('q1');
  assert.deepEqual([turn?.status, turn?.outcome, turn?.answer], ['ended', 'completed', 'grüße']);
});

test('a failure and a cancellation are told with their reason', () => {
  given([aFirstMessage('q1')])
    .when(aFailure('q1', { code: 'timeout', reason: 'too slow', retryable: true }))
    .then([
      {
        type: 'InferenceEnded',
        data: { outcome: 'failed', code: 'timeout', reason: 'too slow', retryable: true },
      },
      { type: 'TurnMeasured', data: { outcome: 'failed', code: 'timeout', finishReason: null } },
    ]);
  given([aFirstMessage('q1')])
    .when(aCancellation('q1', 'half an ans'))
    .then([
      { type: 'InferenceEnded', data: { outcome: 'cancelled', code: null, textHash: sha256('half an ans') } },
      { type: 'TurnMeasured', data: { outcome: 'cancelled', textBytes: 11 } },
    ]);
});

test('an inference is answered once: a second terminal event changes nothing', () => {
  for (const second of [aCompletion('q1', 'other'), aFailure('q1'), aCancellation('q1')]) {
    const { decision } = given([aFirstMessage('q1'), aCompletion('q1')])
      .when(second)
      .then([]);
    assert.deepEqual([decision.row, decision.turns], [null, []]);
  }
});

test('a terminal event of an attempt below the fence changes nothing, the one of the taker ends it', () => {
  const log = [aFirstMessage('q1'), anAttempt('q1', 2, 'claim_taker')];
  const { decision } = given(log).when(aCompletion('q1', 'of the zombie')).then([]);
  assert.deepEqual([decision.row, decision.turns], [null, []]);
  given([...log, aCompletion('q1', 'of the zombie')])
    .when(aCompletion('q1', 'of the taker', { attempt: 2, claim: 'claim_taker' }))
    .then([
      { type: 'InferenceEnded', data: { claim: 'claim_taker', textHash: sha256('of the taker') } },
      { type: 'TurnMeasured', data: { attempts: 2 } },
    ]);
});

test('a fence after the end comes too late', () => {
  const log = [aFirstMessage('q1'), aCompletion('q1'), anAttempt('q1', 2)];
  assert.equal(fold(log)?.turns.get('q1')?.fence, 0);
  given(log)
    .when(aCompletion('q1', 'again', { attempt: 2 }))
    .then([]);
});

test('a lower fence does not lower the fence', () => {
  const log = [aFirstMessage('q1'), anAttempt('q1', 3), anAttempt('q1', 2)];
  assert.equal(fold(log)?.turns.get('q1')?.fence, 3);
  given(log)
    .when(aCompletion('q1', 'of 2', { attempt: 2 }))
    .then([]);
});

test('a terminal event of an inference or a tenant that does not belong here changes nothing', () => {
  given([aFirstMessage('q1')])
    .when(aCompletion('q2'))
    .then([]);
  given([aFirstMessage('q1')])
    .when(aCompletion('q1', 'x', { tenantId: 'tenant_b' }))
    .then([]);
  given([]).when(aCompletion('q1')).then([]);
  given([aFirstMessage('q1'), anErasure()])
    .when(aCompletion('q1'))
    .then([]);
});

test("durations are counted back from the broker's time of the end, however wrong the worker's clock is", () => {
  const { outputs } = given([aFirstMessage('q1')]).when(
    aCompletion('q1', 'hi', { deltaMillis: [250, 30] }, { time: START_TIME + 5_000 }),
  );
  const { data } = theOutput(outputs, 'TurnMeasured');
  assert.equal(data.totalMillis, 5_000);
  assert.equal(data.queueMillis, 3_000, 'it ran for two seconds');
  assert.equal(data.firstDeltaMillis, 3_250);
  assert.equal(data.endedAt, START_TIME + 5_000);
});

test('a run that took longer than the log knows has waited for nothing, never for less', () => {
  const { outputs } = given([aFirstMessage('q1')]).when(aCompletion('q1'));
  assert.equal(theOutput(outputs, 'TurnMeasured').data.queueMillis, 0);
});

test('what no worker ran has no times of a run', () => {
  const { outputs } = given([aFirstMessage('q1')]).when(
    aFailure('q1', { attempt: 0, claim: '', engine: '' }),
  );
  const { data } = theOutput(outputs, 'TurnMeasured');
  assert.deepEqual([data.queueMillis, data.firstDeltaMillis, data.attempts], [null, null, 0]);
});

test('a measurement has one id per inference, whichever terminal event leads to it', () => {
  const idOf = (event: Parameters<ReturnType<typeof given>['when']>[0]): string =>
    theOutput(given([aFirstMessage('q1')]).when(event).outputs, 'TurnMeasured').data.eventId;
  assert.equal(idOf(aCompletion('q1')), idOf(aFailure('q1')));
});

test('answers without a count are estimated', () => {
  const log = [aFirstMessage('q1'), aCompletion('q1', 'x'.repeat(30), { completionTokens: 0 })];
  assert.equal(fold(log)?.turns.get('q1')?.answerTokens, 10);
});
