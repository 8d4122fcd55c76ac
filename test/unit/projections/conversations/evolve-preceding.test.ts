import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { beginFold } from '../../../../projections/conversations/fold.ts';
import type { ContextManifest, PromptMessage } from '../../../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { theMessage } from '../../../support/builders.ts';
import { about, logged, message } from '../conversation-events.ts';
import { conversationAfter, fold, turnAfter } from './given-events.ts';

const history = [
  theMessage('system', 'Be brief.'),
  theMessage('user', 'Hello?'),
  theMessage('assistant', 'Hi.'),
];
const first = message('message-1', { preceding: history, metadata: { ticket: '42' } });

function prepared(parentId: string | null, precedingHeld: number): ContextManifest {
  return {
    entries: [],
    budgetTokens: 1,
    promptTokens: 1,
    tokenCounter: '',
    hash: '',
    parentId,
    precedingHeld,
  };
}

function answerTo(messageId: string, context: ContextManifest | null): LoggedEvent {
  return about('InferenceCompleted', messageId, `end-of-${messageId}`, { context });
}

function lines(messageId: string, ...events: readonly LoggedEvent[]): readonly string[] {
  return turnAfter(messageId, ...events).preceding.map(
    ({ role, parts }) => `${role}: ${parts[0]?.text?.text ?? ''}`,
  );
}

const all = ['system: Be brief.', 'user: Hello?', 'assistant: Hi.'];

describe('what comes with a message', () => {
  test('is kept with its turn, and gives the conversation its title', () => {
    assert.deepEqual(lines('message-1', first), all);
    assert.deepEqual(turnAfter('message-1', first).metadata, { ticket: '42' });
    assert.equal(conversationAfter(first).title, 'Hello?');
    assert.deepEqual(lines('message-1', first, answerTo('message-1', prepared(null, 0))), all);
  });

  test('is cut to what is new once it is known where the message belongs', () => {
    const preceding: readonly PromptMessage[] = [
      ...history,
      theMessage('user', 'A question?'),
      theMessage('assistant', 'An answer.'),
    ];
    const branch = message('message-3', { preceding });
    const events = [first, answerTo('message-1', prepared(null, 0)), message('message-2'), branch];
    assert.equal(turnAfter('message-3', ...events).parentId, 'message-2');
    assert.equal(lines('message-3', ...events).length, 5);
    const ended = [...events, answerTo('message-3', prepared('message-1', 5))];
    assert.equal(turnAfter('message-3', ...ended).parentId, 'message-1');
    assert.deepEqual(lines('message-3', ...ended), []);
    const root = [...events, answerTo('message-3', prepared(null, 0))];
    assert.equal(turnAfter('message-3', ...root).parentId, null);
    assert.equal(lines('message-3', ...root).length, 5);
    // Prepare-turn ended it itself: nobody says where it was.
    assert.equal(turnAfter('message-3', ...events, answerTo('message-3', null)).parentId, 'message-2');
  });

  test('changes nothing where nothing came', () => {
    const events = [first, message('message-2'), answerTo('message-2', prepared(null, 0))];
    assert.equal(turnAfter('message-2', ...events).parentId, 'message-1');
  });

  test('stays where a message is asked again, or another in its place', () => {
    const again = message('message-2', { kind: 'regenerate', targetId: 'message-1', parts: [] });
    assert.deepEqual(lines('message-2', first, again), all);
    const edited = message('message-2', { kind: 'edit', targetId: 'message-1' });
    assert.deepEqual(lines('message-2', first, edited), all);
  });

  test('counts in what a batch writes', () => {
    const sizeOf = (event: LoggedEvent): number => {
      const begun = beginFold({ conversation: () => null, turn: () => null, turnsOf: () => [] });
      begun.apply(event);
      return begun.size;
    };
    const characters = 'Be brief.Hello?Hi.'.length + 'ticket42'.length;
    assert.equal(sizeOf(first) - sizeOf(message('message-1')), characters);
  });

  test('goes with the erasure of its conversation and of its subject', () => {
    const erased = logged('ConversationErased', { eventId: 'erased-1' });
    assert.deepEqual([...fold([first, erased]).turns.values()], [null]);
    const shared = [
      message('message-1', { principal: 'bert' }),
      message('message-2', { preceding: history, metadata: { ticket: '42' } }),
    ];
    const subject = logged('SubjectErased', { eventId: 'subject-1' });
    const ended = answerTo('message-2', prepared('message-1', 0));
    const { preceding, metadata, asked, erasedAt } = turnAfter('message-2', ...shared, subject, ended);
    assert.deepEqual([preceding, metadata, asked, erasedAt], [[], {}, null, 1_002]);
  });
});
