import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, promptOf, theOutput } from '../../../support/builders-prepare-turn.ts';
import { aCompletion, aFirstMessage, aMessage } from '../../../support/builders.ts';

/** What a tenant keeps out of prompts is decided with the message, so that a prompt can be made again from the log. */

const redactBeforeModel = ['email'] as const;

test('prompts hold a name in the place of what is kept out, and an event says how often', () => {
  const { outputs, after } = given([
    aFirstMessage('q1', 'I am a@b.example'),
    aCompletion('q1', 'Hello a@b.example, or c@d.example?'),
  ])
    .when(aMessage('q2', 'the first', { redactBeforeModel }))
    .then([{ type: 'InferenceRequested' }, { type: 'GuardApplied' }]);
  assert.deepEqual(promptOf(outputs), [
    'user: I am [email]',
    'assistant: Hello [email], or [email]?',
    'user: the first',
  ]);
  const { data, topic } = theOutput(outputs, 'GuardApplied');
  assert.deepEqual(
    [data.action, data.findings, data.messageId, topic],
    ['redacted_before_model', [{ label: 'email', count: 3 }], 'q2', 'turns.v1'],
  );
  assert.equal(after?.turns.get('q1')?.answer, 'Hello a@b.example, or c@d.example?', 'the log keeps it');
});

test('nothing to keep out says nothing', () => {
  given([])
    .when(aFirstMessage('q1', 'hello', { redactBeforeModel }))
    .then([{ type: 'InferenceRequested' }]);
});
