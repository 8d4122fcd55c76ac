import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { commitStep, type StepInput, type StepResult } from '../../../projections/commit-step.ts';
import { foldAll } from '../../../projections/conversations/fold.ts';
import { conversations } from '../../../projections/conversations/index.ts';
import { foldHash, stateHash } from '../../../projections/conversations/state-hash.ts';
import { openConversationTable } from '../../../projections/conversations/table.ts';
import type { Projection } from '../../../projections/projection.ts';
import type { Database } from '../../../storage/database.ts';
import type { Position } from '../../../storage/row-store.ts';
import { openDatabase } from '../../../storage/sqlite/open-database.ts';
import type { LoggedEvent } from '../../../streams/event.ts';
import { about, inOrder, message } from './conversation-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'steno-steps-'));
const opened: Database[] = [];
after(() => {
  for (const each of opened) each.close();
  rmSync(folder, { recursive: true, force: true });
});

const beginning: Position = { next: 0, lastEventId: '', topicId: 'topic-1' };
let database: Database;
let projection: Projection;
beforeEach(() => {
  database = openDatabase(join(folder, `${opened.length}.db`));
  opened.push(database);
  projection = conversations.open(database);
  projection.positions.advance(0, null, beginning);
});

const log = inOrder([
  message('message-1'),
  about('InferenceCompleted', 'message-1', 'end-1'),
  message('message-2'),
  about('InferenceCompleted', 'message-2', 'end-2'),
]);

function commit(events: readonly LoggedEvent[], options: Partial<StepInput> = {}): StepResult {
  return commitStep({
    database,
    projection,
    partition: 0,
    position: beginning,
    events,
    end: 4,
    most: 100,
    mostMillis: Infinity,
    ...options,
  });
}

function hash(): string {
  return stateHash(openConversationTable(database));
}

/** An event that no fold can make sense of: what a newer writer or a defect might leave on the log. */
function impossible(offset: number): LoggedEvent {
  return {
    ...message('message-3'),
    data: { ...message('message-3').data, parts: null },
    offset,
  } as unknown as LoggedEvent;
}

test('rows and position are committed together', () => {
  const done = commit(log);
  assert.deepEqual(done, {
    result: 'done',
    position: { next: 4, lastEventId: 'end-2', topicId: 'topic-1' },
    folded: 4,
    erases: false,
    poison: null,
  });
  assert.deepEqual(projection.positions.read(0), done.position);
  assert.equal(hash(), foldHash(foldAll(log)));
});

test('a lost race changes nothing', () => {
  commit(log.slice(0, 2), { end: 2 });
  const before = hash();
  assert.deepEqual(commit(log), { result: 'lost' });
  assert.equal(hash(), before);
  assert.equal(projection.positions.read(0)?.next, 2);
});

test('an event that cannot be folded ends the step right before itself', () => {
  const events = [...log.slice(0, 2), impossible(2), ...log.slice(3)];
  const done = commit(events);
  assert.ok(done.result === 'done');
  assert.equal(done.poison?.event.offset, 2);
  assert.deepEqual(done.position, { ...beginning, next: 2, lastEventId: 'end-1' });
  assert.equal(hash(), foldHash(foldAll(log.slice(0, 2))));
  const alone = commit([impossible(2)], { position: done.position });
  assert.ok(alone.result === 'done' && alone.poison !== null && alone.folded === 0);
});

test('an event that cannot be written is found by trying one by one', () => {
  // Its parts fold, its model is no value of a column.
  const odd = message('message-2');
  const broken = {
    ...odd,
    offset: 2,
    data: { ...odd.data, isNew: true, route: { model: {} } },
  } as unknown as LoggedEvent;
  const events = [...log.slice(0, 2), broken];
  assert.deepEqual(commit(events), { result: 'too_much' });
  assert.equal(projection.positions.read(0)?.next, 0);
  const alone = commit([broken], { position: beginning, most: 1, end: 3 });
  assert.ok(alone.result === 'done');
  assert.equal(alone.poison?.event.offset, 2);
  assert.equal(projection.positions.read(0)?.next, 0);
});

test('records that hold no event move the position, which then names no event', () => {
  commit(log.slice(0, 2), { end: 4 });
  assert.deepEqual(projection.positions.read(0), { ...beginning, next: 4 });
});

test('a partition is cleared without touching another', () => {
  commit(log);
  const events = inOrder(
    ['message-7', 'message-8'].map((id) => message(id, { conversationId: 'conversation-7', isNew: true })),
    1,
  );
  projection.positions.advance(1, null, beginning);
  commit(events, { partition: 1, end: 2 });
  for (const _ of projection.clear(0));
  assert.equal(hash(), foldHash(foldAll(events)));
  assert.equal(stateHash(openConversationTable(database), 0), foldHash(foldAll([])));
});
