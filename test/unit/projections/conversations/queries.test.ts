import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commitStep } from '../../../../projections/commit-step.ts';
import { conversations } from '../../../../projections/conversations/index.ts';
import {
  openConversationQueries,
  type ConversationQueries,
} from '../../../../projections/conversations/queries.ts';
import type { Content } from '../../../../schemas/generated/types.ts';
import { StenoError } from '../../../../runtime/errors.ts';
import { openDatabase, openReader } from '../../../../storage/sqlite/open-database.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { inferenceIdOf } from '../../../../streams/ids.ts';
import { someParameters, theMessage } from '../../../support/builders.ts';
import { about, inOrder, logged, message, plain } from '../conversation-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'steno-queries-'));
const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;

/** Given events folded into a file, opens the questions over a read-only handle of it. */
function given(events: readonly LoggedEvent[]): ConversationQueries {
  const file = join(folder, `${(files += 1)}.db`);
  const reader = openReader(file);
  const queries = openConversationQueries(reader);
  assert.equal(queries.position(0), 0, 'there is nothing before the projection ran');
  const database = openDatabase(file);
  closing.push(
    () => reader.close(),
    () => database.close(),
  );
  const projection = conversations.open(database);
  let position = { next: 0, lastEventId: '', topicId: 'topic-1' };
  projection.positions.advance(0, null, position);
  const log = inOrder(events);
  while (position.next < log.length) {
    const rest = log.slice(position.next);
    const done = commitStep({
      database,
      projection,
      partition: 0,
      position,
      events: rest,
      end: log.length,
      most: 3,
      mostMillis: Infinity,
    });
    assert.ok(done.result === 'done');
    position = { ...done.position };
  }
  return queries;
}

function conversationOf(number: number, principal = 'anna', tenantId = 'tenant-1'): LoggedEvent {
  return message(`first-${number}`, {
    conversationId: `conversation-${number}`,
    principal,
    tenantId,
    isNew: true,
  });
}

const list = { principal: null, limit: 10, before: null, includeArchived: false, matching: null };
const history = { limit: 10, before: null };

test('before the projection ran nothing is found, and nothing fails', () => {
  const queries = openConversationQueries(openReader(join(folder, 'never.db')));
  assert.equal(queries.findConversation('tenant-1', 'conversation-1'), null);
  assert.equal(queries.findInference('tenant-1', 'inference-1'), null);
  assert.deepEqual(queries.listConversations('tenant-1', list), { items: [], next: null });
  assert.deepEqual(queries.findTurns('tenant-1', 'conversation-1', history), { items: [], next: null });
});

test('a conversation, its history and its inference are found by their tenant alone', () => {
  const queries = given([
    message('message-1'),
    about('InferenceCompleted', 'message-1', 'end-1'),
    message('message-2'),
  ]);
  const found = queries.findConversation('tenant-1', 'conversation-1');
  assert.deepEqual(
    [found?.title, found?.head, found?.turns, found?.erasedAt],
    ['A question?', 'message-2', 2, null],
  );
  const { items } = queries.findTurns('tenant-1', 'conversation-1', history);
  assert.deepEqual(
    items.map(({ messageId, parentId, text, seq }) => [messageId, parentId, text, seq]),
    [
      ['message-2', 'message-1', null, 2],
      ['message-1', null, 'An answer.', 1],
    ],
  );
  const ended = queries.findInference('tenant-1', inferenceIdOf('message-1'));
  assert.deepEqual(
    [ended?.status, ended?.terminal, ended?.finishReason],
    ['completed', { partition: 0, offset: 1 }, 'stop'],
  );
  const running = queries.findInference('tenant-1', inferenceIdOf('message-2'));
  assert.deepEqual([running?.status, running?.terminal], ['running', null]);
  assert.deepEqual([running?.replyPartition, running?.deltasFrom, running?.model], [3, 42, 'model-asked']);
  assert.equal(queries.position(0), 3);
  assert.equal(queries.position(1), 0);

  assert.equal(queries.findConversation('tenant-2', 'conversation-1'), null);
  assert.deepEqual(queries.findTurns('tenant-2', 'conversation-1', history).items, []);
  assert.equal(queries.findInference('tenant-2', inferenceIdOf('message-1')), null);
  assert.deepEqual(queries.listConversations('tenant-2', list).items, []);
});

test('a history shows what came with a message and what was attached to it', () => {
  const preceding = [theMessage('user', 'Before?'), theMessage('assistant', 'Yes.')];
  const queries = given([
    message('message-1', { preceding, metadata: { ticket: '42' } }),
    message('message-2'),
  ]);
  const { items } = queries.findTurns('tenant-1', 'conversation-1', history);
  assert.deepEqual(
    items.map((turn) => [turn.preceding.map(({ role }) => role), turn.metadata]),
    [
      [[], {}],
      [['user', 'assistant'], { ticket: '42' }],
    ],
  );
  assert.deepEqual(items[1]?.preceding[1]?.parts, [{ type: 'text', text: plain('Yes.') }]);
});

test('an inference tells what was asked besides the words', () => {
  const instructions = plain('Be brief.');
  const parameters = someParameters({ maxTokens: 9, temperature: 0.5, topP: 0.9 });
  const queries = given([
    message('message-1'),
    message('message-2', { parentId: 'message-1', occurredAt: 77, instructions, parameters }),
  ]);
  const asked = (id: string) => queries.findInference('tenant-1', inferenceIdOf(id))?.asked;
  const limits = { maxTokens: 9, temperature: 0.5, topP: 0.9 };
  assert.deepEqual(asked('message-2'), { at: 77, parentId: 'message-1', instructions, ...limits });
  // The parent that the caller named, not the one that was found.
  assert.deepEqual([asked('message-1')?.parentId, asked('message-1')?.instructions], [null, null]);
});

test('a list is of a tenant or a principal, the latest first, page after page', () => {
  const events = Array.from({ length: 11 }, (_, index) =>
    conversationOf(index, index % 2 === 0 ? 'anna' : 'bert'),
  );
  const touched = about('InferenceCompleted', 'first-3', 'end-3', { conversationId: 'conversation-3' });
  const queries = given([...events, conversationOf(99, 'anna', 'tenant-2'), touched]);
  const pages = (principal: string | null): string[][] => {
    const found: string[][] = [];
    for (let before: string | null = null; ;) {
      const page = queries.listConversations('tenant-1', { ...list, principal, limit: 4, before });
      found.push(page.items.map(({ conversationId }) => conversationId.replace('conversation-', '')));
      before = page.next;
      if (before === null) return found;
    }
  };
  assert.deepEqual(pages(null), [
    ['3', '10', '9', '8'],
    ['7', '6', '5', '4'],
    ['2', '1', '0'],
  ]);
  assert.deepEqual(pages('bert'), [['3', '9', '7', '5'], ['1']]);
});

test('archived ones are shown on demand, erased ones as such, rejected ones not at all', () => {
  const named = (number: number): { conversationId: string } => ({
    conversationId: `conversation-${number}`,
  });
  const queries = given([
    ...[1, 2, 3, 4].map((number) => conversationOf(number)),
    logged('ConversationChanged', { ...named(1), archived: true }),
    logged('ConversationErased', named(2)),
    about('MessageRejected', 'first-3', 'rejection-3', named(3)),
  ]);
  const shown = (includeArchived: boolean): string[] =>
    queries
      .listConversations('tenant-1', { ...list, includeArchived })
      .items.map((item) => item.conversationId);
  assert.deepEqual(shown(false), ['conversation-4']);
  assert.deepEqual(shown(true), ['conversation-1', 'conversation-4']);
  assert.equal(queries.findConversation('tenant-1', 'conversation-2')?.erasedAt, 1_005);
  assert.equal(queries.findConversation('tenant-2', 'conversation-2'), null);
  assert.equal(queries.findInference('tenant-1', inferenceIdOf('first-2')), null);
  assert.equal(queries.findConversation('tenant-1', 'conversation-3'), null);
  assert.equal(queries.findInference('tenant-1', inferenceIdOf('first-3'))?.status, 'rejected');
});

test('words are found in titles, questions and answers, whatever their case; sealed and foreign text is not', () => {
  const named = (number: number): { conversationId: string } => ({
    conversationId: `conversation-${number}`,
  });
  const ended = (number: number, content: Content): LoggedEvent =>
    about('InferenceCompleted', `first-${number}`, `end-${number}`, { ...named(number), content });
  const queries = given([
    ...[1, 2, 3, 4, 5].map((number) => conversationOf(number, number === 5 ? 'bert' : 'anna')),
    conversationOf(9, 'anna', 'tenant-2'),
    logged('ConversationChanged', { ...named(1), title: plain('Über den "Rhein"\\') }),
    ended(2, plain('Der ÜBERGANG über die Donau.')),
    ended(3, { text: null, sealed: Buffer.from('über'), keyId: 'key-1' }),
    ended(4, plain('Nothing of the kind.')),
    ended(5, plain('über alles')),
    about('InferenceCompleted', 'first-9', 'end-9', {
      ...{ conversationId: 'conversation-9', tenantId: 'tenant-2', content: plain('über') },
    }),
  ]);
  const found = (matching: string, principal: string | null = 'anna'): string[] =>
    queries
      .listConversations('tenant-1', { ...list, principal, matching })
      .items.map((item) => item.conversationId.replace('conversation-', ''));
  assert.deepEqual(found('über'), ['2', '1']);
  assert.deepEqual(found('über', null), ['5', '2', '1']);
  assert.deepEqual(found('"rhein"\\'), ['1']);
  assert.deepEqual(found('a question?'), ['4', '3', '2', '1']);
  assert.deepEqual(found('"text"'), [], 'how a row is written is not what was said');
  assert.deepEqual(found('%'), []);
});

test('a search goes on where a page ended, though the page may be empty', () => {
  const queries = given([
    ...Array.from({ length: 450 }, (_, index) => conversationOf(index)),
    about('MessageRejected', 'first-9', 'rejection-9', { conversationId: 'conversation-9' }),
  ]);
  const pages = (matching: string, limit: number): number[] => {
    const found: number[] = [];
    for (let before: string | null = null; ;) {
      const page = queries.listConversations('tenant-1', { ...list, matching, before, limit });
      found.push(page.items.length);
      before = page.next;
      if (before === null) return found;
    }
  };
  assert.deepEqual(pages('QUESTION', 150), [150, 150, 149]);
  assert.deepEqual(pages('no such words', 10), [0, 0, 0]);
});

test('a history is paged, and passes over turns that were rejected after others followed them', () => {
  const queries = given([
    ...['message-1', 'message-2', 'message-3', 'message-4', 'message-5'].map((id) => message(id)),
    about('MessageRejected', 'message-3', 'rejection-3'),
    about('MessageRejected', 'message-2', 'rejection-2'),
    about('MessageRejected', 'message-5', 'rejection-5'),
  ]);
  const firstPage = queries.findTurns('tenant-1', 'conversation-1', { limit: 1, before: null });
  assert.deepEqual(
    firstPage.items.map(({ messageId, parentId }) => [messageId, parentId]),
    [['message-4', 'message-1']],
  );
  const secondPage = queries.findTurns('tenant-1', 'conversation-1', { limit: 1, before: firstPage.next });
  assert.deepEqual(
    secondPage.items.map(({ messageId }) => messageId),
    ['message-1'],
  );
  assert.equal(secondPage.next, null);
  assert.equal(queries.findConversation('tenant-1', 'conversation-1')?.head, 'message-4');
});

test('a cursor that no page ended with is refused', () => {
  const queries = given([message('message-1')]);
  const refused = (error: unknown): boolean => error instanceof StenoError && error.code === 'bad_cursor';
  for (const before of [
    '',
    'x',
    '!!',
    Buffer.from('[1.5]').toString('base64url'),
    Buffer.from('{}').toString('base64url'),
  ]) {
    assert.throws(() => queries.listConversations('tenant-1', { ...list, before }), refused);
    assert.throws(() => queries.findTurns('tenant-1', 'conversation-1', { limit: 1, before }), refused);
  }
});
