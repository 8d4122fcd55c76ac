import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '../../../../processors/prepare-turn/decide.ts';
import { preparePrompt } from '../../../../processors/prepare-turn/prompt.ts';
import type { Conversation, Turn } from '../../../../processors/prepare-turn/state.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { applyDecision } from '../../../../processors/prepare-turn/apply-decision.ts';
import { aRuleSet, fold } from '../../../support/builders-prepare-turn.ts';
import {
  aCancelRequest,
  aCompletion,
  aConversationChange,
  aFirstMessage,
  aMessage,
  anAttempt,
  theMessage,
} from '../../../support/builders.ts';

// What a decision costs is counted, not timed: a clock would measure the machine.
const rules = aRuleSet();
const short = conversationOf(5);
const long = conversationOf(300);

test('what one event writes does not grow with the history', () => {
  const open = [aMessage('last'), aMessage('next')];
  const cases: readonly (readonly [string, readonly LoggedEvent[], LoggedEvent, number])[] = [
    ['message', [], aMessage('last'), 1],
    ['message that waits', [aMessage('last')], aMessage('next'), 1],
    ['repeat', [aMessage('last')], aMessage('last'), 0],
    ['rejection', [], aMessage('last', 'x', { parentId: 'nobody' }), 0],
    ['end', [aMessage('last')], aCompletion('last'), 1],
    ['end with a message behind it', open, aCompletion('last'), 2],
    ['fence', [aMessage('last')], anAttempt('last', 2), 1],
    ['stop', [aMessage('last')], aCancelRequest('last'), 1],
    ['change', [], aConversationChange({ clearContext: true }), 0],
  ];
  for (const [name, before, event, turns] of cases) {
    for (const conversation of [short, long]) {
      const now = before.reduce((state, step) => after(state, step), conversation);
      assert.equal(
        decide(event, now, rules).turns.length,
        turns,
        `${name} after ${conversation.turns.size} turns`,
      );
    }
  }
});

test('the prompt visits the turns that fit its budget, and one more', () => {
  const visits = (conversation: Conversation, contextLength: number): number => {
    const { counted, count } = counting(after(conversation, aMessage('last', 'what')));
    const turn = counted.turns.get('last');
    assert.ok(turn !== undefined);
    const before = count();
    assert.notEqual(preparePrompt(counted, turn, aRuleSet({ contextLength })), null);
    return count() - before;
  };
  // The question costs 10, a turn 30: ten turns fit.
  const budget = 100 + 10 + 10 * 30;
  assert.equal(visits(long, budget), 11);
  assert.equal(visits(conversationOf(30), budget), 11);
  assert.equal(visits(short, budget), 5, 'a short history is visited as a whole');
});

test('a decision looks at as few turns, whatever the history', () => {
  const looks = (conversation: Conversation, event: LoggedEvent): number => {
    const { counted, count } = counting(conversation);
    decide(event, counted, aRuleSet({ contextLength: 410 }));
    return count();
  };
  for (const event of [aMessage('last', 'what'), aMessage('q3', 'again'), aCompletion('q4')]) {
    assert.equal(looks(long, event), looks(conversationOf(40), event), event.type);
  }
  // The window, whether it is a repeat, what runs above it, where system messages come from.
  assert.ok(looks(long, aMessage('last', 'what')) <= 11 + 3);
});

test('finding what a conversation holds of a history looks at no turn that it looked at before', () => {
  const looks = (conversation: Conversation): number => {
    const { counted, count } = counting(conversation);
    const first = [theMessage('user', 'what?'), theMessage('assistant', 'that')];
    const branch = aMessage('last', 'what', { preceding: first });
    decide(branch, counted, aRuleSet({ contextLength: 410 }));
    const before = count();
    const { turns } = decide(branch, counted, aRuleSet({ contextLength: 410 }));
    assert.deepEqual([turns[0]?.parentId, turns[0]?.held], ['q0', 2]);
    return count() - before;
  };
  assert.equal(looks(long), looks(short));
});

function conversationOf(turns: number): Conversation {
  const log = Array.from({ length: turns }, (_, index) => {
    const message = index === 0 ? aFirstMessage('q0', 'what?') : aMessage(`q${index}`, 'what?');
    // 2 tokens of question, 12 of answer, 16 of template.
    return [message, aCompletion(`q${index}`, 'that', { completionTokens: 12 })];
  }).flat();
  const conversation = fold(log);
  assert.ok(conversation !== null);
  return conversation;
}

function after(conversation: Conversation, event: LoggedEvent): Conversation {
  return applyDecision(conversation, decide(event, conversation, rules)) ?? conversation;
}

function counting(conversation: Conversation): {
  readonly counted: Conversation;
  readonly count: () => number;
} {
  let count = 0;
  class Counting extends Map<string, Turn> {
    override get(messageId: string): Turn | undefined {
      count += 1;
      return super.get(messageId);
    }
  }
  return { counted: { ...conversation, turns: new Counting(conversation.turns) }, count: () => count };
}
