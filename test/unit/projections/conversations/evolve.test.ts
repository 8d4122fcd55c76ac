import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { about, logged, message, plain } from '../conversation-events.ts';
import { changesNothing, conversationAfter, turnAfter } from './given-events.ts';

const first = message('message-1');
const answer = about('InferenceCompleted', 'message-1', 'end-1');

describe('a message', () => {
  test('that is new begins a conversation and a turn', () => {
    const conversation = conversationAfter(first);
    assert.equal(conversation.tenant, 'tenant-1');
    assert.equal(conversation.title, 'A question?');
    assert.equal(conversation.head, 'message-1');
    assert.equal(conversation.turns, 1);
    assert.deepEqual([conversation.createdAt, conversation.updatedAt], [1_000, 1_000]);
    const turn = turnAfter('message-1', first);
    assert.deepEqual([turn.status, turn.seq, turn.parentId], ['running', 1, null]);
    assert.deepEqual([turn.replyPartition, turn.deltasFrom, turn.model], [3, 42, 'model-asked']);
    assert.deepEqual(turn.parts, [{ type: 'text', text: plain('A question?') }]);
  });

  test('follows the head unless it names its parent', () => {
    const events = [
      first,
      message('message-2'),
      message('message-3', { parentId: 'message-1' }),
      message('message-4'),
    ];
    assert.equal(turnAfter('message-2', ...events).parentId, 'message-1');
    assert.equal(turnAfter('message-3', ...events).parentId, 'message-1');
    assert.equal(turnAfter('message-4', ...events).parentId, 'message-3');
    assert.deepEqual(turnAfter('message-4', ...events).seq, 4);
    assert.equal(conversationAfter(...events).turns, 4);
  });

  test('that regenerates or edits stands beside its target', () => {
    const given = [first, message('message-2'), message('message-3')];
    for (const kind of ['regenerate', 'edit'] as const) {
      const again = message('message-4', { kind, targetId: 'message-2' });
      assert.equal(turnAfter('message-4', ...given, again).parentId, 'message-1');
      const root = message('message-4', { kind, targetId: 'message-1' });
      assert.equal(turnAfter('message-4', ...given, root).parentId, null);
      const named = message('message-4', { kind, targetId: 'message-1', parentId: 'message-3', parts: [] });
      const { parentId, parts } = turnAfter('message-4', ...given, named);
      assert.deepEqual([parentId, parts.length], [null, kind === 'regenerate' ? 1 : 0]);
    }
  });

  test('repeated, whatever it now says, changes nothing', () => {
    changesNothing(
      message('message-1', { parts: [], principal: 'eve' }),
      first,
      message('message-2'),
      answer,
    );
  });

  test('of another tenant, or to no conversation, changes nothing', () => {
    changesNothing(message('message-2', { tenantId: 'tenant-2' }), first);
    changesNothing(message('message-2', { tenantId: 'tenant-2', isNew: true }), first);
    changesNothing(message('message-2'));
  });

  test('with an inference id of another conversation changes nothing', () => {
    const stolen = message('message-1', { conversationId: 'conversation-2', tenantId: 'tenant-2' });
    changesNothing(stolen, first);
  });

  test('gives its title by how it begins', () => {
    const titled = (text: string): string | null => {
      const parts = [
        { type: 'text' as const, text: plain(text), toolCall: null, toolResult: null, media: null },
      ];
      return conversationAfter(message('message-1', { parts })).title;
    };
    assert.equal(titled('  Two\n\n words '), 'Two words');
    const long = titled('The quick brown fox jumps over the lazy dog and goes on to do other things') ?? '';
    assert.equal(long, 'The quick brown fox jumps over the lazy dog and goes on to…');
    assert.equal(titled('x'.repeat(100)), `${'x'.repeat(60)}…`);
    assert.equal(Array.from(titled('👩'.repeat(100)) ?? '').length, 61);
    assert.equal(titled('   '), null);
  });
});

describe('an end', () => {
  test('is recorded with its text, place and counts', () => {
    const turn = turnAfter('message-1', first, answer);
    assert.deepEqual(
      [turn.status, turn.answer, turn.finishReason],
      ['completed', plain('An answer.'), 'stop'],
    );
    assert.deepEqual([turn.terminalOffset, turn.endedAt, turn.model], [1, 1_001, 'model-1']);
    assert.deepEqual([turn.promptTokens, turn.completionTokens], [12, 3]);
    assert.equal(conversationAfter(first, answer).updatedAt, 1_001);
  });

  test('of a failure or a cancel says why and keeps what was said', () => {
    const failed = turnAfter('message-1', first, about('InferenceFailed', 'message-1', 'end-1'));
    assert.deepEqual([failed.status, failed.code, failed.retryable], ['failed', 'timeout', true]);
    assert.deepEqual(failed.answer, plain('An answer.'));
    const cancelled = turnAfter('message-1', first, about('InferenceCancelled', 'message-1', 'end-1'));
    assert.deepEqual([cancelled.status, cancelled.code], ['cancelled', 'stop']);
  });

  test('counts once: later ends change nothing', () => {
    changesNothing(about('InferenceFailed', 'message-1', 'end-2'), first, answer);
    changesNothing(about('InferenceCompleted', 'message-1', 'end-2', { attempt: 7 }), first, answer);
  });

  test('of an attempt that was fenced changes nothing, that of the fence counts', () => {
    const fence = about('AttemptStarted', 'message-1', 'fence-2');
    changesNothing(answer, first, fence);
    const taken = about('InferenceCompleted', 'message-1', 'end-2', {
      attempt: 2,
      content: plain('By the taker.'),
    });
    assert.deepEqual(turnAfter('message-1', first, fence, answer, taken).answer, plain('By the taker.'));
    assert.deepEqual(turnAfter('message-1', first, answer, fence, taken).answer, plain('An answer.'));
  });

  test('of another tenant changes nothing', () => {
    changesNothing(about('InferenceCompleted', 'message-1', 'end-1', { tenantId: 'tenant-2' }), first);
  });

  test('of a message nobody could decode is found, and joins no conversation', () => {
    const lettered = about('InferenceFailed', 'message-9', 'end-9', { code: 'dead_lettered' });
    const turn = turnAfter('message-9', first, lettered);
    assert.deepEqual([turn.status, turn.code, turn.seq], ['failed', 'dead_lettered', null]);
    assert.equal(conversationAfter(first, lettered).turns, 1);
  });
});

describe('a rejection', () => {
  const rejection = about('MessageRejected', 'message-2', 'rejection-2');

  test('takes the turn out of the conversation again', () => {
    const events = [first, message('message-2'), rejection];
    assert.deepEqual(
      [turnAfter('message-2', ...events).status, turnAfter('message-2', ...events).code],
      ['rejected', 'not_found'],
    );
    const { turns, head } = conversationAfter(...events);
    assert.deepEqual([turns, head], [1, 'message-1']);
    changesNothing(about('InferenceCompleted', 'message-2', 'end-2'), ...events);
    changesNothing(rejection, ...events);
  });

  test('is recorded for a message that never joined, under the tenant that asked', () => {
    const events = [
      first,
      message('message-2', { tenantId: 'tenant-2' }),
      about('MessageRejected', 'message-2', 'rejection-2', { tenantId: 'tenant-2', principal: 'eve' }),
    ];
    const turn = turnAfter('message-2', ...events);
    assert.deepEqual(
      [turn.status, turn.tenant, turn.principal, turn.seq],
      ['rejected', 'tenant-2', 'eve', null],
    );
    assert.deepEqual(conversationAfter(...events), conversationAfter(first));
    changesNothing(message('message-2', { tenantId: 'tenant-2' }), ...events);
  });

  test('of the first message leaves nothing to write to; places are not given twice', () => {
    const gone = [first, about('MessageRejected', 'message-1', 'rejection-1')];
    changesNothing(message('message-2'), ...gone);
    changesNothing(logged('ConversationChanged', { archived: true }), ...gone);
    const again = message('message-3', { isNew: true });
    assert.equal(turnAfter('message-3', ...gone, again).seq, 2);
    assert.equal(turnAfter('message-3', ...gone, again).parentId, null);
  });

  test('after the end changes nothing', () => {
    changesNothing(about('MessageRejected', 'message-1', 'rejection-1'), first, answer);
  });
});

describe('feedback', () => {
  test('the latest of each principal stands', () => {
    const events = [
      first,
      answer,
      about('FeedbackGiven', 'message-1', 'fb-1'),
      about('FeedbackGiven', 'message-1', 'fb-2', { principal: 'bert', thumb: -1, comment: plain('No.') }),
      about('FeedbackGiven', 'message-1', 'fb-3', { thumb: 0, rating: 4 }),
    ];
    const { feedback } = turnAfter('message-1', ...events);
    assert.deepEqual(
      feedback.map(({ principal, thumb, rating }) => [principal, thumb, rating]),
      [
        ['anna', 0, 4],
        ['bert', -1, null],
      ],
    );
    changesNothing(about('FeedbackGiven', 'message-1', 'fb-1'), ...events);
    changesNothing(about('FeedbackGiven', 'message-1', 'fb-4', { tenantId: 'tenant-2' }), ...events);
    changesNothing(about('FeedbackGiven', 'message-7', 'fb-5'), ...events);
  });
});

describe('a change', () => {
  const change = logged('ConversationChanged', {
    eventId: 'change-1',
    title: plain('Named'),
    archived: true,
    pins: [
      { messageId: 'message-1', pinned: true },
      { messageId: 'message-2', pinned: true },
      { messageId: 'message-9', pinned: true },
    ],
  });
  const given = [first, message('message-2'), message('message-3')];

  test('names, archives and pins', () => {
    const { title, archived } = conversationAfter(...given, change);
    assert.deepEqual([title, archived], ['Named', true]);
    const pinned = ['message-1', 'message-2', 'message-3'].map(
      (id) => turnAfter(id, ...given, change).pinned,
    );
    assert.deepEqual(pinned, [true, true, false]);
  });

  test('leaves what it does not name; its repeat changes nothing', () => {
    const back = logged('ConversationChanged', {
      eventId: 'change-2',
      archived: false,
      title: plain('Other'),
    });
    const { title, archived } = conversationAfter(...given, change, back);
    assert.deepEqual([title, archived], ['Other', false]);
    changesNothing(change, ...given, change, back);
    changesNothing(logged('ConversationChanged', { tenantId: 'tenant-2', archived: true }), ...given);
  });
});
