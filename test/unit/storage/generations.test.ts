import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import type { Database } from '../../../storage/database.ts';
import { openPositions, positionSchema } from '../../../storage/positions.ts';
import { openCurrentReader } from '../../../storage/sqlite/current-reader.ts';
import { openGenerationStore } from '../../../storage/sqlite/generations.ts';

const folders: string[] = [];
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'steno-generations-'));
  folders.push(folder);
});
after(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true });
});

/** A database that says its own name and how far it is. */
function make(database: Database, name: string, next: number, topicId = 'topic-1'): void {
  database.execute(`CREATE TABLE name (name TEXT); INSERT INTO name VALUES ('${name}'); ${positionSchema}`);
  openPositions(database).advance(0, null, { next, lastEventId: '', topicId });
  database.close();
}

test('the first generation is in use until another is named; what lies before it is removed', () => {
  const store = openGenerationStore(folder);
  const generations = store.of('things', 2);
  assert.equal(generations.current(), 1);
  make(generations.open(1), 'one', 0);
  make(generations.open(2), 'two', 0);
  generations.makeCurrent(2);
  assert.equal(store.of('things', 2).current(), 2);
  const removed = generations.prune();
  assert.ok(removed.includes('things-v2.1.db'));
  assert.ok(!generations.exists(1) && generations.exists(2));
});

test('earlier versions of the same name are removed, and nothing else', () => {
  const store = openGenerationStore(folder);
  for (const [name, version] of [
    ['things', 1],
    ['things', 2],
    ['things', 10],
    ['other-things', 1],
  ] as const)
    make(store.of(name, version).open(1), name, 0);
  store.removeVersionsBefore('things', 10);
  const left = readdirSync(folder).filter((file) => file.endsWith('.db'));
  assert.deepEqual(left.sort(), ['other-things-v1.1.db', 'things-v10.1.db']);
});

test('a damaged pointer is no first generation', () => {
  writeFileSync(join(folder, 'things-v1.current'), 'two');
  assert.throws(() => openGenerationStore(folder).of('things', 1).current(), { code: 'store_corrupt' });
});

test('a reader goes over to a new generation once that is as far, with the statements it has', () => {
  const generations = openGenerationStore(folder).of('things', 1);
  make(generations.open(1), 'one', 7);
  make(generations.open(2), 'two', 5);
  let time = 0;
  const reader = openCurrentReader(generations, { askMillis: 10, patienceMillis: 1_000, now: () => time });
  const name = reader.prepare('SELECT name FROM name');
  assert.equal(name.get()?.['name'], 'one');
  generations.makeCurrent(2);
  assert.equal(name.get()?.['name'], 'one', 'asked again too soon');
  time = 20;
  assert.equal(name.get()?.['name'], 'one', 'went back in time');
  const second = generations.open(2);
  openPositions(second).advance(0, 5, { next: 7, lastEventId: '', topicId: 'topic-1' });
  second.close();
  time = 40;
  assert.equal(name.get()?.['name'], 'two');
  reader.close();
});

test('a reader waits for a generation that never gets as far only so long, and not at all for another log', () => {
  const generations = openGenerationStore(folder).of('things', 1);
  make(generations.open(1), 'one', 7);
  make(generations.open(2), 'two', 5);
  make(generations.open(3), 'three', 0, 'topic-2');
  let time = 0;
  const reader = openCurrentReader(generations, { askMillis: 10, patienceMillis: 1_000, now: () => time });
  const name = reader.prepare('SELECT name FROM name');
  generations.makeCurrent(2);
  assert.equal((time = 500) && name.get()?.['name'], 'one');
  assert.equal((time = 1_501) && name.get()?.['name'], 'two');
  generations.makeCurrent(3);
  assert.equal((time = 1_600) && name.get()?.['name'], 'three');
  reader.close();
});
