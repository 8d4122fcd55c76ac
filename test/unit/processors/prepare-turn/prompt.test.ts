import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rules } from '../../../../processors/prepare-turn/rules.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { aRuleSet, given, promptOf, theOutput } from '../../../support/builders-prepare-turn.ts';
import {
  aCancellation,
  aCompletion,
  aConversationChange,
  aFailure,
  aFirstMessage,
  aMessage,
  START_TIME,
} from '../../../support/builders.ts';

const HOUR = 3_600_000;
const systemPrompt = { text: 'be brief', sealed: null, keyId: null };

/** Two turns, ended; each costs 2 tokens of message, 10 of answer, and what the template spends. */
const history = [
  aFirstMessage('q1', 'one'),
  aCompletion('q1', 'first'),
  aMessage('q2', 'two'),
  aCompletion('q2', 'second'),
];
const question = aMessage('q3', 'three');

function prompt(log: readonly LoggedEvent[], rules?: Rules, event = question): readonly string[] {
  return promptOf(given(log, rules).when(event).outputs);
}

function manifest(log: readonly LoggedEvent[], rules?: Rules): readonly string[] {
  const { context } = theOutput(given(log, rules).when(question).outputs, 'InferenceRequested').data;
  return context.entries.map(({ messageId, kind, decision }) => `${messageId} ${kind} ${decision}`);
}

test('the budget keeps the newest turns, and the manifest says what fell out', () => {
  // The question costs 2 + 8, a turn 1 + 10 + 16: the budget holds one.
  const rules = aRuleSet({ contextLength: 100 + 10 + 27 });
  assert.deepEqual(prompt(history, rules), ['user: two', 'assistant: second', 'user: three']);
  assert.deepEqual(manifest(history, rules), [
    'q1 message over_budget',
    'q1 answer over_budget',
    'q2 message included',
    'q2 answer included',
    'q3 message included',
  ]);
  assert.deepEqual(prompt(history, aRuleSet({ contextLength: 100 + 10 + 26 })), ['user: three']);
  assert.equal(prompt(history, aRuleSet({ contextLength: 100 + 10 + 54 })).length, 5);
});

test('a question that just fits is asked, one token more is too large', () => {
  assert.deepEqual(prompt(history, aRuleSet({ contextLength: 110 })), ['user: three']);
  given(history, aRuleSet({ contextLength: 109 }))
    .when(question)
    .then([{ type: 'InferenceFailed', data: { code: 'too_large' } }]);
});

test('no limit of characters or age holds unless it is set', () => {
  const long = [aFirstMessage('q1', 'x'.repeat(9_000)), aCompletion('q1', 'first')];
  const late = aMessage('q3', 'three', {}, { time: START_TIME + 1_000 * HOUR });
  assert.equal(prompt(long, undefined, late).length, 3);
});

test('a limit of characters keeps the newest turns', () => {
  assert.deepEqual(prompt(history, aRuleSet({ maxCharacters: 5 + 9 })), [
    'user: two',
    'assistant: second',
    'user: three',
  ]);
  assert.deepEqual(prompt(history, aRuleSet({ maxCharacters: 5 + 8 })), ['user: three']);
  assert.equal(prompt(history, aRuleSet({ maxCharacters: 5 + 9 + 8 })).length, 5);
  assert.deepEqual(manifest(history, aRuleSet({ maxCharacters: 13 })), [
    'q2 message over_characters',
    'q2 answer over_characters',
    'q3 message included',
  ]);
});

test('a turn that was left out takes no room from older ones', () => {
  const failed = aMessage('q2b', 'y'.repeat(50));
  const log = [...history, failed, aFailure('q2b')];
  assert.equal(prompt(log, aRuleSet({ maxCharacters: 22 })).length, 5);
});

test('turns that are an hour old leave the prompt when that is the rule', () => {
  const rules = aRuleSet({ ttlMillis: HOUR });
  const log = [
    aFirstMessage('q1', 'one', {}, { time: START_TIME }),
    aCompletion('q1', 'first'),
    aMessage('q2', 'two', {}, { time: START_TIME + 1 }),
    aCompletion('q2', 'second'),
  ];
  const inTime = aMessage('q3', 'three', {}, { time: START_TIME + HOUR });
  assert.equal(prompt(log, rules, inTime).length, 5);
  const later = aMessage('q3', 'three', {}, { time: START_TIME + HOUR + 1 });
  assert.deepEqual(prompt(log, rules, later), ['user: two', 'assistant: second', 'user: three']);
});

test('a cleared context begins anew with the next message', () => {
  const cleared = [...history, aConversationChange({ clearContext: true })];
  assert.deepEqual(prompt(cleared), ['user: three']);
  const log = [...cleared, question, aCompletion('q3', 'third')];
  assert.deepEqual(prompt(log, undefined, aMessage('q4', 'four')), [
    'user: three',
    'assistant: third',
    'user: four',
  ]);
});

test('what clears the context and the message after it may share their time', () => {
  const time = START_TIME + 60_000;
  const log = [
    ...history,
    aConversationChange({ clearContext: true }, { time }),
    aMessage('q3', 'three', {}, { time }),
    aCompletion('q3', 'third'),
  ];
  assert.deepEqual(prompt(log, undefined, aMessage('q4', 'four')), [
    'user: three',
    'assistant: third',
    'user: four',
  ]);
});

test('an answer that runs while the context is cleared stays out as well', () => {
  const log = [
    aFirstMessage('q1', 'one'),
    aMessage('q2', 'two'),
    aConversationChange({ clearContext: true }),
    aCompletion('q1', 'first'),
    aCompletion('q2', 'second'),
  ];
  assert.deepEqual(prompt(log), ['user: three']);
});

test('the system prompt stands first and is paid for from the budget', () => {
  const log = [...history, aConversationChange({ systemPrompt })];
  assert.deepEqual(prompt(log), [
    'system: be brief',
    'user: one',
    'assistant: first',
    'user: two',
    'assistant: second',
    'user: three',
  ]);
  assert.equal(manifest(log)[0], ' system included');
  // Eight bytes are 3 tokens and the 8 of the template: with one less the second turn falls out.
  assert.equal(prompt(log, aRuleSet({ contextLength: 100 + 10 + 27 + 11 })).length, 4);
  assert.equal(prompt(log, aRuleSet({ contextLength: 100 + 10 + 27 + 10 })).length, 2);
});

test('a change that does not speak of the system prompt keeps it; a change by another tenant changes nothing', () => {
  const log = [
    ...history,
    aConversationChange({ systemPrompt }),
    aConversationChange({ clearContext: true }),
  ];
  assert.deepEqual(prompt(log), ['system: be brief', 'user: three']);
  const foreign = aConversationChange({ systemPrompt, clearContext: true, tenantId: 'tenant_b' });
  assert.equal(prompt([...history, foreign]).length, 5);
});

test('turns that failed or were stopped without a word are left out, with a word they are kept', () => {
  assert.deepEqual(prompt([aFirstMessage('q1', 'one'), aFailure('q1')]), ['user: three']);
  assert.deepEqual(prompt([aFirstMessage('q1', 'one'), aCancellation('q1')]), ['user: three']);
  assert.deepEqual(manifest([aFirstMessage('q1', 'one'), aFailure('q1')]), [
    'q1 message unanswered',
    'q3 message included',
  ]);
  assert.deepEqual(prompt([aFirstMessage('q1', 'one'), aCancellation('q1', 'fir')]), [
    'user: one',
    'assistant: fir',
    'user: three',
  ]);
});

test('a turn that failed does not hide the ones before it', () => {
  const log = [...history, aMessage('q2b', 'lost'), aFailure('q2b')];
  assert.equal(prompt(log).length, 5);
});

test('instructions are for one turn alone, after the system messages of all and before what was said', () => {
  const instructions = { text: 'answer in French', sealed: null, keyId: null };
  const asked = aMessage('q3', 'three', { instructions });
  const log = [...history, aConversationChange({ systemPrompt })];
  const french = ['system: be brief', 'system: answer in French', 'user: one', 'assistant: first'];
  assert.deepEqual(prompt(log, undefined, asked).slice(0, 4), french);
  const { context } = theOutput(given(log).when(asked).outputs, 'InferenceRequested').data;
  assert.deepEqual(context.entries.slice(0, 2), [
    { messageId: '', kind: 'system', tokens: 11, decision: 'included' },
    { messageId: 'q3', kind: 'system', tokens: 14, decision: 'included' },
  ]);
  const later = prompt([...log, asked, aCompletion('q3', 'trois')], undefined, aMessage('q4', 'four'));
  assert.deepEqual(
    later.filter((line) => line.startsWith('system')),
    ['system: be brief'],
  );
  // They have their room before any history: 6 + 8 tokens beside the question's 10.
  assert.deepEqual(prompt(history, aRuleSet({ contextLength: 100 + 24 }), asked).length, 2);
  given(history, aRuleSet({ contextLength: 100 + 23 }))
    .when(asked)
    .then([{ type: 'InferenceFailed', data: { code: 'too_large' } }]);
});

test('another answer, or another question in its place, keeps the instructions of the turn', () => {
  const instructions = { text: 'answer in French', sealed: null, keyId: null };
  const log = [aFirstMessage('q1', 'one', { instructions }), aCompletion('q1', 'un')];
  const again = aMessage('q2', '', { kind: 'regenerate', targetId: 'q1', parts: [] });
  assert.deepEqual(prompt(log, undefined, again), ['system: answer in French', 'user: one']);
  const other = aMessage('q2', 'two', { kind: 'edit', targetId: 'q1' });
  assert.deepEqual(prompt(log, undefined, other), ['system: answer in French', 'user: two']);
});
