import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { about, logged, message, plain } from '../conversation-events.ts';
import { changesNothing, conversationAfter, fold, turnAfter } from './given-events.ts';

const first = message('message-1');
const answer = about('InferenceCompleted', 'message-1', 'end-1');

describe('an erasure', () => {
  const erased = logged('ConversationErased', { eventId: 'erased-1' });

  test('leaves a tombstone and no turn, and nothing comes after it', () => {
    const events = [first, answer, message('message-2'), erased];
    const { conversations, turns } = fold(events);
    const row = conversations.get('conversation-1');
    assert.equal(row?.erasedAt, 1_003);
    assert.deepEqual([row.title, row.principal, row.head, row.turns], [null, '', null, 0]);
    assert.deepEqual([...turns.values()], [null, null]);
    for (const late of [
      about('InferenceCompleted', 'message-2', 'end-2'),
      message('message-3', { isNew: true }),
      first,
      logged('ConversationChanged', { title: plain('Back') }),
      about('MessageRejected', 'message-4', 'rejection-4'),
      erased,
    ]) {
      changesNothing(late, ...events);
    }
  });

  test('by another tenant changes nothing', () => {
    changesNothing(logged('ConversationErased', { tenantId: 'tenant-2' }), first);
  });

  test('of a subject takes its own conversation whole, and of others what it said', () => {
    const subject = logged('SubjectErased', { eventId: 'subject-1' });
    assert.equal(conversationAfter(first, subject).erasedAt, 1_001);
    const shared = [
      message('message-1', { principal: 'bert' }),
      message('message-2'),
      about('InferenceCompleted', 'message-2', 'end-2'),
    ];
    assert.deepEqual(turnAfter('message-1', ...shared, subject).parts.length, 1);
    const theirs = turnAfter('message-2', ...shared, subject);
    assert.deepEqual([theirs.parts, theirs.answer, theirs.status], [[], null, 'completed']);
    changesNothing(subject, ...shared, subject, message('message-3'));
    const running = turnAfter(
      'message-2',
      ...shared.slice(0, 2),
      subject,
      about('InferenceCompleted', 'message-2', 'end-2'),
    );
    assert.deepEqual([running.status, running.answer], ['completed', null]);
    const judged = about('FeedbackGiven', 'message-1', 'fb-1', { comment: plain('Mine.') });
    assert.equal(turnAfter('message-1', ...shared, judged, subject).feedback[0]?.comment, null);
  });
});
