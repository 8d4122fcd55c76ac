import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageSubmitted, PromptMessage } from '../../../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { aRuleSet, given, promptOf, theOutput } from '../../../support/builders-prepare-turn.ts';
import {
  aCancellation,
  aCancelRequest,
  aCompletion,
  aConversationChange,
  aFailure,
  aFirstMessage,
  aMessage,
  aText,
  theMessage,
} from '../../../support/builders.ts';

const system = theMessage('system', 'be brief');
const one = [theMessage('user', 'one'), theMessage('assistant', 'first')];
const two = [theMessage('user', 'two'), theMessage('assistant', 'second')];

/** Two turns that came one at a time. */
const log = [
  aFirstMessage('q1', 'one'),
  aCompletion('q1', 'first'),
  aMessage('q2', 'two'),
  aCompletion('q2', 'second'),
];

type Placed = { readonly parent: string | null; readonly held: number; readonly own: readonly string[] };

function call(preceding: readonly PromptMessage[], special: Partial<MessageSubmitted> = {}): LoggedEvent {
  return aMessage('q9', 'last', { preceding, ...special });
}

function place(
  events: readonly LoggedEvent[],
  preceding: readonly PromptMessage[],
  special: Partial<MessageSubmitted> = {},
): Placed | undefined {
  const turn = given(events).when(call(preceding, special)).after?.turns.get('q9');
  return turn && { parent: turn.parentId, held: turn.held, own: turn.preceding.map(lineOf) };
}

function lineOf({ role, parts }: PromptMessage): string {
  return `${role}: ${parts.map((part) => part.text?.text ?? part.type).join('')}`;
}

function manifest(
  events: readonly LoggedEvent[],
  event: LoggedEvent,
  contextLength: number,
): readonly string[] {
  const { outputs } = given(events, aRuleSet({ contextLength })).when(event);
  const { entries } = theOutput(outputs, 'InferenceRequested').data.context;
  return entries.map(({ messageId, kind, tokens, decision }) => `${messageId} ${kind} ${tokens} ${decision}`);
}

test('a message with the history of a new conversation is asked with it, and the next one needs only what is new', () => {
  const first = aFirstMessage('q1', 'three', { preceding: [system, ...one] });
  const prompt = ['system: be brief', 'user: one', 'assistant: first', 'user: three'];
  const { outputs } = given([]).when(first);
  assert.deepEqual(promptOf(outputs), prompt);
  const next = given([first, aCompletion('q1', 'third')]).when(aMessage('q2', 'four'));
  assert.deepEqual(promptOf(next.outputs), [...prompt, 'assistant: third', 'user: four']);
});

test('of a history the conversation keeps what it does not hold', () => {
  assert.deepEqual(place(log, [...one, ...two]), { parent: 'q2', held: 4, own: [] });
  const more = [...one, ...two, theMessage('user', 'aside'), theMessage('assistant', 'yes')];
  assert.deepEqual(place(log, more), { parent: 'q2', held: 4, own: ['user: aside', 'assistant: yes'] });
  const { outputs } = given(log).when(call(more));
  assert.deepEqual(promptOf(outputs), [...more.map(lineOf), 'user: last']);
  const { context } = theOutput(outputs, 'InferenceRequested').data;
  assert.deepEqual([context.parentId, context.precedingHeld], ['q2', 4]);
});

test('a history that was changed begins a branch where it was changed', () => {
  const changed = [...one, theMessage('user', 'TWO'), theMessage('assistant', 'second')];
  assert.deepEqual(place(log, changed), { parent: 'q1', held: 2, own: ['user: TWO', 'assistant: second'] });
  assert.deepEqual(place(log, one), { parent: 'q1', held: 2, own: [] });
});

test('a history that begins otherwise begins a new root: nothing of the conversation is in its prompt', () => {
  const other = [theMessage('user', 'uno'), theMessage('assistant', 'first')];
  assert.deepEqual(place(log, other), { parent: null, held: 0, own: ['user: uno', 'assistant: first'] });
  assert.deepEqual(place(log, [system, ...one]), {
    parent: null,
    held: 0,
    own: ['system: be brief', 'user: one', 'assistant: first'],
  });
  assert.deepEqual(promptOf(given(log).when(call(other)).outputs), [...other.map(lineOf), 'user: last']);
});

test('every character counts, and the role; how a text is cut into parts does not', () => {
  const alike: readonly (readonly [PromptMessage, number])[] = [
    [theMessage('assistant', 'first'), 2],
    [theMessage('assistant', 'first '), 0],
    [theMessage('assistant', 'firsT'), 0],
    [theMessage('user', 'first'), 0],
    [{ role: 'assistant', parts: [aText('fi'), aText(''), aText('rst')] }, 2],
    [{ role: 'assistant', parts: [aText('first'), anImage('a')] }, 0],
  ];
  for (const [answer, held] of alike) {
    assert.equal(place(log, [theMessage('user', 'one'), answer])?.held, held, JSON.stringify(answer));
  }
});

test('two messages are not one with the text of both, and what is no text counts as well', () => {
  const halves = [theMessage('user', 'on'), theMessage('user', 'e'), theMessage('assistant', 'first')];
  assert.equal(place(log, halves)?.held, 0);
  const seen = [
    aFirstMessage('q1', '', { parts: [aText('what is '), anImage('a'), aText('this')] }),
    aCompletion('q1', 'a cat'),
  ];
  const asked = (parts: PromptMessage['parts']): number | undefined =>
    place(seen, [{ role: 'user', parts }, theMessage('assistant', 'a cat')])?.held;
  assert.equal(asked([aText('what '), aText('is '), anImage('a'), aText('this')]), 2);
  assert.equal(asked([aText('what is '), anImage('b'), aText('this')]), 0);
  assert.equal(asked([aText('what is this'), anImage('a')]), 0);
});

test('a message without an answer is not history, unless its sender says so', () => {
  const failed = [...log, aMessage('q3', 'three'), aFailure('q3')];
  assert.deepEqual(place(failed, [...one, ...two]), { parent: 'q2', held: 4, own: [] });
  const kept = [...one, ...two, theMessage('user', 'three')];
  assert.deepEqual(place(failed, kept), { parent: 'q2', held: 4, own: ['user: three'] });
  const stopped = [...log, aMessage('q3', 'three'), aCancellation('q3', 'thi')];
  assert.equal(place(stopped, [...kept, theMessage('assistant', 'thi')])?.parent, 'q3');
});

test('what came with a message that failed is still history, and is not kept a second time', () => {
  const failed = [aFirstMessage('q1', 'two', { preceding: one }), aFailure('q1')];
  assert.deepEqual(place(failed, one), { parent: 'q1', held: 2, own: [] });
  assert.deepEqual(promptOf(given(failed).when(call(one)).outputs), [
    'user: one',
    'assistant: first',
    'user: last',
  ]);
});

test('however often a call fails, the next one has its history', () => {
  const events: LoggedEvent[] = [...log];
  for (let index = 0; index < 40; index += 1) {
    events.push(aMessage(`f${index}`, 'last', { preceding: [...one, ...two] }), aFailure(`f${index}`));
  }
  assert.deepEqual(place(events, [...one, ...two]), { parent: 'q2', held: 4, own: [] });
});

test('an answer that still runs is not known: a history goes on from the turn before, and does not wait', () => {
  const running = [...log, aMessage('q3', 'three')];
  const history = [...one, ...two, theMessage('user', 'three'), theMessage('assistant', 'thi')];
  assert.equal(place(running, history)?.parent, 'q2');
  given(running)
    .when(call(history))
    .then([{ type: 'InferenceRequested', data: { messageId: 'q9' } }]);
});

test('a turn that was stopped while it waited is found once the one before it has ended', () => {
  const waiting = aMessage('q2', 'two', { preceding: two, parentId: 'q1' });
  const stopped = [aFirstMessage('q1', 'one'), waiting, aCancelRequest('q2'), aCancellation('q2')];
  assert.deepEqual(place(stopped, [...one, ...two])?.held, 0);
  const ended = [...stopped, aCompletion('q1', 'first')];
  assert.deepEqual(place(ended, [...one, ...two]), { parent: 'q2', held: 4, own: [] });
});

test('with a named parent only what follows it counts, and a history may wait for its answer', () => {
  assert.deepEqual(place(log, two, { parentId: 'q1' }), { parent: 'q2', held: 2, own: [] });
  assert.deepEqual(place(log, one, { parentId: 'q1' }), { parent: 'q1', held: 0, own: one.map(lineOf) });
  const beside = [...log, aMessage('q3', 'three', { parentId: 'q1' }), aCompletion('q3', 'third')];
  assert.equal(place(beside, two, { parentId: 'q3' })?.held, 0);
  const waiting = given([...log, aMessage('q3')])
    .when(call(one, { parentId: 'q3' }))
    .then([]);
  assert.deepEqual(waiting.after?.row.parked, ['q9']);
  given(log)
    .when(call(one, { parentId: 'elsewhere' }))
    .then([
      { type: 'MessageRejected', data: { code: 'parent_not_found' } },
      { type: 'InferenceEnded' },
      { type: 'TurnMeasured' },
    ]);
});

test('of equal paths the latest is followed', () => {
  const again = [
    ...log,
    aMessage('q3', '', { kind: 'regenerate', targetId: 'q2' }),
    aCompletion('q3', 'second'),
  ];
  assert.equal(place(again, [...one, ...two])?.parent, 'q3');
});

test('another answer, or another question in its place, keeps what came with the first', () => {
  const first = [aFirstMessage('q1', 'two', { preceding: [system, ...one] }), aCompletion('q1', 'second')];
  const again = given(first).when(aMessage('q9', '', { kind: 'regenerate', targetId: 'q1' }));
  const before = ['system: be brief', 'user: one', 'assistant: first'];
  assert.deepEqual(promptOf(again.outputs), [...before, 'user: two']);
  const edited = given(first).when(aMessage('q9', 'TWO', { kind: 'edit', targetId: 'q1' }));
  assert.deepEqual(promptOf(edited.outputs), [...before, 'user: TWO']);
});

test('system messages that open a branch are kept like a system prompt, after that of the conversation', () => {
  const systemPrompt = { text: 'be kind', sealed: null, keyId: null };
  const opened = [
    aFirstMessage('q1', 'two', { preceding: [system, theMessage('system', 'in French'), ...one] }),
    aCompletion('q1', 'second', { completionTokens: 0 }),
    aConversationChange({ systemPrompt }),
  ];
  const next = aMessage('q9', 'last');
  const prompt = (contextLength: number): readonly string[] =>
    promptOf(given(opened, aRuleSet({ contextLength })).when(next).outputs);
  const opening = ['system: be kind', 'system: be brief', 'system: in French'];
  assert.deepEqual(prompt(10_000), [...opening, ...one.map(lineOf), ...two.map(lineOf), 'user: last']);
  // Three system messages of 3 tokens, the message of 2, 8 for each; a question and answer are 3 and 16.
  const least = 100 + 3 * 11 + 10;
  assert.deepEqual(prompt(least), [...opening, 'user: last']);
  assert.deepEqual(prompt(least + 19), [...opening, ...two.map(lineOf), 'user: last']);
  given(opened, aRuleSet({ contextLength: least - 1 }))
    .when(next)
    .then([{ type: 'InferenceFailed', data: { code: 'too_large' } }]);
  assert.deepEqual(manifest(opened, next, least + 19), [
    ' system 11 included',
    'q1 system 11 included',
    'q1 system 11 included',
    'q1 preceding 1 over_budget',
    'q1 preceding 2 over_budget',
    'q1 message 1 included',
    'q1 answer 2 included',
    'q9 message 2 included',
  ]);
  const cleared = [...opened, aConversationChange({ clearContext: true })];
  assert.deepEqual(promptOf(given(cleared).when(next).outputs), [...opening, 'user: last']);
});

test('a long history that comes with a message loses its oldest questions first, each with its answer', () => {
  const long = aFirstMessage('q1', 'last', { preceding: [...one, ...two] });
  const prompt = (contextLength: number): readonly string[] =>
    promptOf(given([], aRuleSet({ contextLength })).when(long).outputs);
  const least = 100 + 10;
  assert.deepEqual(prompt(least), ['user: last']);
  assert.deepEqual(prompt(least + 18), ['user: last']);
  assert.deepEqual(prompt(least + 19), [...two.map(lineOf), 'user: last']);
  assert.deepEqual(prompt(least + 19 + 19), [...one.map(lineOf), ...two.map(lineOf), 'user: last']);
  assert.deepEqual(manifest([], long, least + 19), [
    'q1 preceding 1 over_budget',
    'q1 preceding 2 over_budget',
    'q1 preceding 1 included',
    'q1 preceding 2 included',
    'q1 message 2 included',
  ]);
});

test('a limit of characters counts what came with messages as history', () => {
  const long = aFirstMessage('q1', 'last', { preceding: [...one, ...two] });
  const prompt = (maxCharacters: number): readonly string[] =>
    promptOf(given([], aRuleSet({ maxCharacters })).when(long).outputs);
  assert.deepEqual(prompt(4 + 9), [...two.map(lineOf), 'user: last']);
  assert.deepEqual(prompt(4 + 8), ['user: last']);
});

function anImage(sha256: string): ReturnType<typeof aText> {
  const media = { sha256, mime: 'image/png', bytes: 1 };
  return { type: 'image', text: null, toolCall: null, toolResult: null, media };
}
