import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold, given, promptOf, theOutput } from '../../../support/builders-prepare-turn.ts';
import {
  aCancellation,
  aCancelRequest,
  aCompletion,
  aFailure,
  aFirstMessage,
  aMessage,
} from '../../../support/builders.ts';

const rejectedBusy = [
  { type: 'MessageRejected', data: { code: 'conversation_busy' } },
  { type: 'InferenceEnded', data: { outcome: 'rejected', code: 'conversation_busy', retryable: true } },
  { type: 'TurnMeasured', data: { outcome: 'rejected', code: 'conversation_busy' } },
] as const;
const rejectedParent = [
  { type: 'MessageRejected', data: { code: 'parent_not_found' } },
  { type: 'InferenceEnded', data: { outcome: 'rejected', code: 'parent_not_found' } },
  { type: 'TurnMeasured', data: { outcome: 'rejected', code: 'parent_not_found' } },
] as const;

test('a message behind an answer that still runs waits in its row', () => {
  const { after } = given([aFirstMessage('q1')])
    .when(aMessage('q2'))
    .then([]);
  assert.deepEqual(after?.row.parked, ['q2']);
  assert.equal(after?.turns.get('q2')?.status, 'parked');
  assert.equal(after?.row.head, 'q2');
});

test("a message that waits is prepared when its parent's effective terminal event is folded, answer included", () => {
  const { outputs, after } = given([aFirstMessage('q1', 'one'), aMessage('q2', 'two')])
    .when(aCompletion('q1', 'first'))
    .then([
      { type: 'InferenceEnded', data: { inferenceId: 'inf_q1' } },
      { type: 'TurnMeasured', data: { inferenceId: 'inf_q1' } },
      { type: 'InferenceRequested', data: { inferenceId: 'inf_q2', messageOffset: 1 } },
    ]);
  assert.deepEqual(promptOf(outputs), ['user: one', 'assistant: first', 'user: two']);
  assert.deepEqual(after?.row.parked, []);
  assert.equal(after?.turns.get('q2')?.status, 'requested');
});

test('messages that wait behind each other are prepared one at a time', () => {
  const log = [aFirstMessage('q1'), aMessage('q2'), aMessage('q3'), aCompletion('q1')];
  assert.deepEqual(fold(log)?.row.parked, ['q3']);
  given(log)
    .when(aCompletion('q2'))
    .then([
      { type: 'InferenceEnded', data: { inferenceId: 'inf_q2' } },
      { type: 'TurnMeasured' },
      { type: 'InferenceRequested', data: { inferenceId: 'inf_q3' } },
    ]);
});

test('siblings that wait for one parent are prepared together', () => {
  const log = [
    aFirstMessage('q1'),
    aMessage('q2', 'a', { parentId: 'q1' }),
    aMessage('q3', 'b', { parentId: 'q1' }),
  ];
  given(log)
    .when(aCompletion('q1'))
    .then([
      { type: 'InferenceEnded' },
      { type: 'TurnMeasured' },
      { type: 'InferenceRequested', data: { messageId: 'q2' } },
      { type: 'InferenceRequested', data: { messageId: 'q3' } },
    ]);
});

test('at most four messages wait; the fifth is told that the conversation is busy', () => {
  const log = [aFirstMessage('q1'), ...['q2', 'q3', 'q4'].map((id) => aMessage(id))];
  given(log).when(aMessage('q5')).then([]);
  const { before, after } = given([...log, aMessage('q5')])
    .when(aMessage('q6'))
    .then(rejectedBusy);
  assert.deepEqual(after, before);
});

test('there is room again once one that waited is prepared or stopped', () => {
  const full = [aFirstMessage('q1'), ...['q2', 'q3', 'q4', 'q5'].map((id) => aMessage(id))];
  given([...full, aCompletion('q1')])
    .when(aMessage('q6'))
    .then([]);
  given([...full, aCancelRequest('q5')])
    .when(aMessage('q6'))
    .then([]);
});

test('an interrupt stops what runs, and its message waits for that end', () => {
  const { outputs, after } = given([aFirstMessage('q1')])
    .when(aMessage('q2', 'no, stop', { interrupt: true }))
    .then([
      { type: 'CancelRequested', data: { inferenceId: 'inf_q1', reason: 'interrupt', principal: 'alice' } },
    ]);
  assert.equal(outputs[0]?.topic, 'conversations.v1');
  assert.deepEqual(after?.row.parked, ['q2']);
});

test('an interrupt stops what waits before it as well', () => {
  const { outputs } = given([aFirstMessage('q1'), aMessage('q2')])
    .when(aMessage('q3', 'no, stop', { interrupt: true }))
    .then([
      { type: 'CancelRequested', data: { inferenceId: 'inf_q2' } },
      { type: 'CancelRequested', data: { inferenceId: 'inf_q1' } },
    ]);
  assert.equal(new Set(outputs.map(({ data }) => 'eventId' in data && data.eventId)).size, 2);
});

test('an interrupt with nothing to stop stops nothing', () => {
  given([aFirstMessage('q1'), aCompletion('q1')])
    .when(aMessage('q2', 'next', { interrupt: true }))
    .then([{ type: 'InferenceRequested' }]);
});

test('an interrupt that finds the conversation busy stops nothing', () => {
  const full = [aFirstMessage('q1'), ...['q2', 'q3', 'q4', 'q5'].map((id) => aMessage(id))];
  given(full)
    .when(aMessage('q6', 'stop', { interrupt: true }))
    .then(rejectedBusy);
});

test('a message behind a stopped one still waits for the answer before that', () => {
  const log = [
    aFirstMessage('q1', 'one'),
    aMessage('q2', 'two'),
    aCancelRequest('q2'),
    aMessage('q3', 'three'),
  ];
  given(log)
    .when(aCancellation('q2'))
    .then([{ type: 'InferenceEnded', data: { inferenceId: 'inf_q2' } }, { type: 'TurnMeasured' }]);
  const { outputs } = given([...log, aCancellation('q2')])
    .when(aCompletion('q1', 'first'))
    .then([
      { type: 'InferenceEnded', data: { inferenceId: 'inf_q1' } },
      { type: 'TurnMeasured' },
      { type: 'InferenceRequested', data: { inferenceId: 'inf_q3' } },
    ]);
  assert.deepEqual(promptOf(outputs), ['user: one', 'assistant: first', 'user: three']);
});

test('a message sent after a stopped one ended waits just the same', () => {
  const log = [aFirstMessage('q1'), aMessage('q2'), aCancelRequest('q2'), aCancellation('q2')];
  const { after } = given(log).when(aMessage('q3')).then([]);
  assert.deepEqual(after?.row.parked, ['q3']);
});

test('a message names its parent: the prompt is the path from there to the root', () => {
  const log = [
    aFirstMessage('q1', 'one'),
    aCompletion('q1', 'first'),
    aMessage('q2', 'two'),
    aCompletion('q2', 'second'),
  ];
  const { outputs, after } = given(log).when(aMessage('q3', 'other way', { parentId: 'q1' }));
  assert.deepEqual(promptOf(outputs), ['user: one', 'assistant: first', 'user: other way']);
  assert.equal(after?.turns.get('q3')?.parentId, 'q1');
  assert.equal(after?.row.head, 'q3', 'the newest turn is the head');
});

test('a parent that does not exist is refused, and changes nothing', () => {
  const { before, after } = given([aFirstMessage('q1'), aCompletion('q1')])
    .when(aMessage('q2', 'two', { parentId: 'elsewhere' }))
    .then(rejectedParent);
  assert.deepEqual(after, before);
});

test('regenerate asks the same again as a sibling', () => {
  const log = [
    aFirstMessage('q1', 'one'),
    aCompletion('q1', 'first'),
    aMessage('q2', 'two'),
    aCompletion('q2'),
  ];
  const again = aMessage('q3', 'not looked at', { kind: 'regenerate', targetId: 'q2' });
  const { outputs, after } = given(log)
    .when(again)
    .then([{ type: 'InferenceRequested', data: { messageId: 'q3' } }]);
  assert.deepEqual(promptOf(outputs), ['user: one', 'assistant: first', 'user: two']);
  assert.equal(after?.turns.get('q3')?.parentId, 'q1');
  assert.deepEqual(after?.turns.get('q3')?.parts, after?.turns.get('q2')?.parts);
});

test('edit asks something else in the same place', () => {
  const log = [aFirstMessage('q1', 'one'), aCompletion('q1')];
  const { outputs, after } = given(log).when(aMessage('q2', 'uno', { kind: 'edit', targetId: 'q1' }));
  assert.deepEqual(promptOf(outputs), ['user: uno']);
  assert.equal(after?.turns.get('q2')?.parentId, null);
});

test('regenerate does not wait for the answer it replaces, but for the one before', () => {
  given([aFirstMessage('q1')])
    .when(aMessage('q2', '', { kind: 'regenerate', targetId: 'q1' }))
    .then([{ type: 'InferenceRequested', data: { messageId: 'q2' } }]);
  given([aFirstMessage('q1'), aMessage('q2')])
    .when(aMessage('q3', '', { kind: 'regenerate', targetId: 'q2' }))
    .then([]);
});

for (const kind of ['regenerate', 'edit'] as const) {
  test(`${kind} of a message that does not exist is refused`, () => {
    const log = [aFirstMessage('q1'), aCompletion('q1')];
    given(log)
      .when(aMessage('q2', 'x', { kind, targetId: 'elsewhere' }))
      .then(rejectedParent);
    given(log)
      .when(aMessage('q2', 'x', { kind }))
      .then(rejectedParent);
  });
}

test('a failed turn does not hold up the one behind it, nor one that is too large', () => {
  given([aFirstMessage('q1', 'one'), aMessage('q2', 'two')])
    .when(aFailure('q1'))
    .then([
      { type: 'InferenceEnded', data: { outcome: 'failed' } },
      { type: 'TurnMeasured' },
      { type: 'InferenceRequested', data: { messageId: 'q2' } },
    ]);
  const log = [aFirstMessage('q1', 'one'), aMessage('q2', 'x'.repeat(30_000)), aMessage('q3', 'three')];
  const { outputs } = given(log).when(aCompletion('q1', 'first'));
  assert.equal(theOutput(outputs, 'InferenceFailed').data.code, 'too_large');
  const tooLarge = aFailure('q2', { attempt: 0, claim: '', code: 'too_large' });
  assert.deepEqual(promptOf(given([...log, aCompletion('q1', 'first')]).when(tooLarge).outputs), [
    'user: one',
    'assistant: first',
    'user: three',
  ]);
});
