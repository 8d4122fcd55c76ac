import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../../../streams/ids.ts';
import { given, promptOf, theOutput } from '../../../support/builders-prepare-turn.ts';
import {
  aCompletion,
  aFirstMessage,
  aMessage,
  anErasure,
  CONVERSATION,
  PARTITION,
  START_TIME,
  STEP_MILLIS,
  someParameters,
} from '../../../support/builders.ts';

test('the first message of a new conversation asks for its inference, with everything a worker needs', () => {
  const { outputs, after } = given([])
    .when(aFirstMessage('q1', 'hello'))
    .then([{ type: 'InferenceRequested' }]);
  const request = theOutput(outputs, 'InferenceRequested');
  assert.deepEqual(promptOf(outputs), ['user: hello']);
  const { data } = request;
  assert.equal(request.topic, 'requests.pool.interactive.v1');
  assert.equal(request.key, CONVERSATION);
  assert.equal(data.inferenceId, 'inf_q1');
  assert.equal(data.messageId, 'q1');
  assert.equal(data.causationId, 'q1');
  assert.equal(data.correlationId, 'q1');
  assert.equal(data.conversationPartition, PARTITION);
  assert.equal(data.messageOffset, 0);
  assert.equal(data.replyPartition, 3);
  assert.equal(data.deltasFrom, 40);
  assert.equal(data.deadlineMillis, 120_000);
  assert.equal(data.submittedAt, START_TIME);
  assert.match(data.promptHash, /^[0-9a-f]{64}$/);
  assert.equal(after?.turns.get('q1')?.status, 'requested');
  assert.equal(after?.turns.get('q1')?.promptHash, data.promptHash);
  assert.equal(after?.row.head, 'q1');
});

test('the manifest says what is in the prompt and how it was counted', () => {
  const log = [aFirstMessage('q1', 'abcdef'), aCompletion('q1', 'ghi', { completionTokens: 9 })];
  const { context } = theOutput(given(log).when(aMessage('q2', 'jkl')).outputs, 'InferenceRequested').data;
  assert.deepEqual(context.entries, [
    { messageId: 'q1', kind: 'message', tokens: 2, decision: 'included' },
    { messageId: 'q1', kind: 'answer', tokens: 9, decision: 'included' },
    { messageId: 'q2', kind: 'message', tokens: 1, decision: 'included' },
  ]);
  assert.equal(context.budgetTokens, 9_900);
  assert.equal(context.promptTokens, 2 + 9 + 1 + 3 * 8);
  assert.equal(context.tokenCounter, 'utf8-bytes/3');
});

test("the second turn's prompt holds the first question and its answer", () => {
  const { outputs, after } = given([aFirstMessage('q1', 'hello'), aCompletion('q1', 'hi there')])
    .when(aMessage('q2', 'who are you?'))
    .then([{ type: 'InferenceRequested', data: { messageId: 'q2', messageOffset: 2 } }]);
  assert.deepEqual(promptOf(outputs), ['user: hello', 'assistant: hi there', 'user: who are you?']);
  assert.equal(after?.turns.get('q2')?.parentId, 'q1');
});

test('the prompt hash changes with the prompt, the parameters and the model, and with nothing else', () => {
  const parameters = someParameters({ temperature: 0.5 });
  const hash = (text: string, special: Parameters<typeof aFirstMessage>[2] = {}): string =>
    theOutput(given([]).when(aFirstMessage('q1', text, special)).outputs, 'InferenceRequested').data
      .promptHash;
  assert.notEqual(hash('a'), hash('b'));
  assert.notEqual(hash('a'), hash('a', { parameters }));
  assert.equal(hash('a'), hash('a', { principal: 'bob', replyPartition: 9, deltasFrom: 1 }));
});

test('a repeated message id is attached to the first inference, on the reply partition of the repeat', () => {
  const repeat = aFirstMessage('q1', 'hello', { replyPartition: 11, deltasFrom: 99 });
  const { outputs, decision } = given([aFirstMessage('q1', 'hello')])
    .when(repeat)
    .then([
      {
        type: 'InferenceAttached',
        data: { inferenceId: 'inf_q1', messageId: 'q1', replyPartition: 3, deltasFrom: 40, sameBody: true },
      },
    ]);
  assert.equal(outputs[0]?.partition, 11);
  assert.equal(outputs[0]?.key, 'inf_q1');
  assert.deepEqual([decision.row, decision.turns], [null, []]);
});

test('a repeat with another body says so', () => {
  given([aFirstMessage('q1', 'hello')])
    .when(aFirstMessage('q1', 'something else'))
    .then([{ type: 'InferenceAttached', data: { sameBody: false } }]);
});

test('a repeat is attached while its first waits, and after it ended', () => {
  given([aFirstMessage('q1'), aMessage('q2')])
    .when(aMessage('q2'))
    .then([{ type: 'InferenceAttached', data: { inferenceId: 'inf_q2' } }]);
  given([aFirstMessage('q1'), aCompletion('q1')])
    .when(aFirstMessage('q1'))
    .then([{ type: 'InferenceAttached', data: { inferenceId: 'inf_q1' } }]);
});

test('a repeat by another tenant learns nothing of the first', () => {
  given([aFirstMessage('q1')])
    .when(aFirstMessage('q1', 'hello', { tenantId: 'tenant_b' }))
    .then([
      { type: 'MessageRejected', data: { code: 'not_found' } },
      { type: 'InferenceEnded' },
      { type: 'TurnMeasured' },
    ]);
});

test('a message to a conversation that does not exist and is not marked new is rejected: recorded, told, measured', () => {
  const { outputs, after } = given([])
    .when(aMessage('q1'))
    .then([
      { type: 'MessageRejected', data: { code: 'not_found', inferenceId: 'inf_q1', replyPartition: 3 } },
      {
        type: 'InferenceEnded',
        data: {
          inferenceId: 'inf_q1',
          outcome: 'rejected',
          code: 'not_found',
          retryable: false,
          recordOffset: 0,
        },
      },
      { type: 'TurnMeasured', data: { outcome: 'rejected', code: 'not_found', attempts: 0, promptHash: '' } },
    ]);
  assert.deepEqual(
    outputs.map(({ topic, partition }) => [topic, partition]),
    [
      ['conversations.v1', PARTITION],
      ['inference-deltas.v1', 3],
      ['turns.v1', null],
    ],
  );
  assert.equal(after, null);
});

test('a message of another tenant is rejected as if the conversation did not exist, and changes nothing', () => {
  const { before, after, decision } = given([aFirstMessage('q1'), aCompletion('q1')])
    .when(aFirstMessage('q2', 'let me in', { tenantId: 'tenant_b' }))
    .then([
      { type: 'MessageRejected', data: { code: 'not_found', tenantId: 'tenant_b' } },
      { type: 'InferenceEnded', data: { outcome: 'rejected', code: 'not_found' } },
      { type: 'TurnMeasured', data: { outcome: 'rejected', tenantId: 'tenant_b' } },
    ]);
  assert.deepEqual([decision.row, decision.turns], [null, []]);
  assert.deepEqual(after, before);
});

test('a message that is too large for the model ends as a failure, on the log like any other end', () => {
  const { outputs, after } = given([])
    .when(aFirstMessage('q1', 'x'.repeat(30_000)))
    .then([
      {
        type: 'InferenceFailed',
        data: {
          code: 'too_large',
          attempt: 0,
          claim: '',
          nextSeq: 0,
          textBytes: 0,
          textHash: sha256(''),
          retryable: false,
        },
      },
    ]);
  const [failure] = outputs;
  assert.deepEqual([failure?.topic, failure?.partition], ['conversations.v1', PARTITION]);
  assert.equal(after?.turns.get('q1')?.status, 'requested', 'it ends when its failure is folded');
});

test('a message for a model that nobody knows is told so', () => {
  const route = {
    pool: 'pool',
    tier: 'interactive' as const,
    model: 'unheard-of',
    canaryBucket: 0,
    fallbacks: [],
  };
  given([])
    .when(aFirstMessage('q1', 'hello', { route }))
    .then([{ type: 'InferenceFailed', data: { code: 'model_not_found', model: 'unheard-of' } }]);
});

test('an erased conversation takes no message and forgets its turns', () => {
  const log = [aFirstMessage('q1'), aCompletion('q1'), anErasure()];
  const { before, after } = given(log)
    .when(aMessage('q2'))
    .then([
      { type: 'MessageRejected', data: { code: 'erased' } },
      { type: 'InferenceEnded', data: { outcome: 'rejected', code: 'erased' } },
      { type: 'TurnMeasured', data: { code: 'erased' } },
    ]);
  assert.equal(before?.turns.size, 0);
  assert.equal(before?.row.erased, true);
  assert.deepEqual(after, before);
});

test('an erasure by another tenant erases nothing', () => {
  const { decision } = given([aFirstMessage('q1')])
    .when(anErasure({ tenantId: 'tenant_b' }))
    .then([]);
  assert.deepEqual([decision.row, decision.forget], [null, false]);
});

test('ids follow from the message and the step: deciding again gives the same, another step another', () => {
  const rejected = (): readonly string[] =>
    given([])
      .when(aMessage('q1'))
      .outputs.flatMap(({ data }) => ('eventId' in data ? [data.eventId] : []));
  assert.deepEqual(rejected(), rejected());
  assert.equal(new Set(rejected()).size, 2);
  const requested = (): string =>
    theOutput(given([]).when(aFirstMessage('q1')).outputs, 'InferenceRequested').data.eventId;
  assert.equal(requested(), requested());
  assert.ok(!rejected().includes(requested()));
});

test('times come from the log', () => {
  const log = [aFirstMessage('q1'), aCompletion('q1')];
  const { data } = theOutput(given(log).when(aMessage('q2')).outputs, 'InferenceRequested');
  assert.equal(data.submittedAt, START_TIME + 2 * STEP_MILLIS);
  assert.equal(data.occurredAt, START_TIME + 2 * STEP_MILLIS);
});
