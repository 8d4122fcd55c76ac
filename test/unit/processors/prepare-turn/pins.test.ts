import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rules } from '../../../../processors/prepare-turn/rules.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { aRuleSet, given, promptOf, theOutput } from '../../../support/builders-prepare-turn.ts';
import {
  aCompletion,
  aConversationChange,
  aFailure,
  aFirstMessage,
  aMessage,
} from '../../../support/builders.ts';

/** Three turns, ended; each costs 27 tokens in the budget. */
const history = [
  aFirstMessage('q1', 'one'),
  aCompletion('q1', 'first'),
  aMessage('q2', 'two'),
  aCompletion('q2', 'second'),
  aMessage('q3', 'six'),
  aCompletion('q3', 'third'),
];
const question = aMessage('q4', 'three');
const pin = (messageId: string, pinned = true): LoggedEvent =>
  aConversationChange({ pins: [{ messageId, pinned }] });
/** Room for the question and so many turns. */
const roomFor = (turns: number): Rules => aRuleSet({ contextLength: 100 + 10 + 27 * turns });

function prompt(log: readonly LoggedEvent[], rules: Rules): readonly string[] {
  return promptOf(given(log, rules).when(question).outputs);
}

test('a pinned turn stays when newer ones have no room, in its place, and the manifest says so', () => {
  const log = [...history, pin('q1')];
  assert.deepEqual(prompt(log, roomFor(2)), [
    'user: one',
    'assistant: first',
    'user: six',
    'assistant: third',
    'user: three',
  ]);
  const { context } = theOutput(given(log, roomFor(2)).when(question).outputs, 'InferenceRequested').data;
  assert.deepEqual(
    context.entries.map(({ messageId, kind, decision }) => `${messageId} ${kind} ${decision}`),
    [
      'q1 message pinned',
      'q1 answer pinned',
      'q2 message over_budget',
      'q2 answer over_budget',
      'q3 message included',
      'q3 answer included',
      'q4 message included',
    ],
  );
  assert.equal(context.promptTokens, 10 + 2 * 27);
});

test('where everything has room a pin changes no word of the prompt', () => {
  assert.deepEqual(prompt([...history, pin('q2')], roomFor(3)), prompt(history, roomFor(3)));
});

test('with room for one the pinned one has it; where it has none it is left out like any other', () => {
  const log = [...history, pin('q1')];
  assert.deepEqual(prompt(log, roomFor(1)), ['user: one', 'assistant: first', 'user: three']);
  assert.deepEqual(prompt(log, roomFor(0)), ['user: three']);
});

test('a pin that is taken back, or is on another branch or another tenant’s, holds nothing', () => {
  const newest = ['user: six', 'assistant: third', 'user: three'];
  assert.deepEqual(prompt([...history, pin('q1'), pin('q1', false)], roomFor(1)), newest);
  const foreign = aConversationChange({ tenantId: 'tenant_b', pins: [{ messageId: 'q1', pinned: true }] });
  assert.deepEqual(prompt([...history, foreign], roomFor(1)), newest);
  const edited = aMessage('q1b', 'uno', { kind: 'edit', targetId: 'q1' });
  const branch = [...history, edited, aCompletion('q1b', 'primo'), pin('q1')];
  const after = aMessage('q5', 'five', { parentId: 'q1b' });
  assert.deepEqual(promptOf(given(branch, roomFor(3)).when(after).outputs), [
    'user: uno',
    'assistant: primo',
    'user: five',
  ]);
});

test('what was cleared, and what has no answer, is not pinned into a prompt', () => {
  const cleared = [...history, pin('q1'), aConversationChange({ clearContext: true })];
  assert.deepEqual(prompt(cleared, roomFor(3)), ['user: three']);
  const failed = [aFirstMessage('q1', 'one'), aFailure('q1'), pin('q1')];
  assert.deepEqual(prompt(failed, roomFor(3)), ['user: three']);
});

test('an empty system prompt takes the one before it away', () => {
  const text = (words: string) => ({ text: words, sealed: null, keyId: null });
  const log = [...history, aConversationChange({ systemPrompt: text('be brief') })];
  assert.equal(prompt(log, roomFor(5))[0], 'system: be brief');
  const taken = [...log, aConversationChange({ systemPrompt: text('') })];
  assert.equal(prompt(taken, roomFor(5))[0], 'user: one');
});
