import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { StenoError } from '../../runtime/errors.ts';
import { openDatabase, openReader } from '../../storage/sqlite/open-database.ts';
import { openRowStore } from '../../storage/sqlite/row-store.ts';
import { aPosition, aRow, rowStoreContract } from '../contract/row-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'steno-rows-'));
after(() => rmSync(folder, { recursive: true, force: true }));

rowStoreContract('sqlite', async (name) => openRowStore(join(folder, 'a', 'new', 'folder', `${name}.db`)));

function refusal(code: string, retryable: boolean): (error: unknown) => boolean {
  return (error) => error instanceof StenoError && error.code === code && error.retryable === retryable;
}

/** Commits as fast as it can: every commit rewrites forty rows to the number of the commit. */
const WRITER = `
  const [file] = process.argv.slice(1);
  const { openRowStore } = await import(${JSON.stringify(import.meta.resolve('../../storage/sqlite/row-store.ts'))});
  const store = openRowStore(file);
  let next = (await store.position(0))?.next ?? null;
  for (;;) {
    const after = (next ?? 0) + 1;
    const value = String(after).padEnd(2000, ' ');
    const puts = Array.from({ length: 40 }, (_, i) => ({ group: 'g' + (i % 4), key: 'k' + i, value }));
    if (!(await store.commit({ partition: 0, start: next, position: { next: after, lastEventId: String(after), topicId: 't' }, puts, deletes: [] }))) process.exit(9);
    next = after;
    if (next % 20 === 0) process.stdout.write(next + '\\n');
  }`;

test('a writer killed in the middle of a commit leaves rows and position of one commit', async () => {
  const file = join(folder, 'killed.db');
  let reached = 0;
  for (let round = 0; round < 5; round += 1) {
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', WRITER, file];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    for (let seen = 0; seen < 3 + round; seen += 1) await Promise.race([once(child.stdout, 'data'), exited]);
    child.kill('SIGKILL');
    const [code] = (await exited) as [number | null];
    assert.equal(code, null, 'it was killed, it did not end');
    const store = openRowStore(file);
    const position = await store.position(0);
    const rows = [...(await store.load(['g0', 'g1', 'g2', 'g3'])).values()].flat();
    assert.equal(rows.length, 40);
    assert.ok(position !== null && position.next > reached);
    assert.deepEqual(new Set(rows.map((row) => Number(row.value))), new Set([position.next]));
    assert.equal(position.lastEventId, String(position.next));
    reached = position.next;
    await store.close();
  }
});

test('a second host is refused, also for reading; the same one after a reboot is not', () => {
  const file = join(folder, 'hosts.db');
  const first = { name: 'host-a', bootId: 'boot-1' };
  openDatabase(file, { host: first }).close();
  const second = { name: 'host-b', bootId: 'boot-2' };
  assert.throws(() => openDatabase(file, { host: second }), refusal('store_in_use', false));
  assert.throws(
    () => openReader(file, { host: second }).prepare('SELECT 1').get(),
    refusal('store_in_use', false),
  );
  openDatabase(file, { host: { name: 'host-a', bootId: 'boot-3' } }).close();
  assert.match(readFileSync(`${file}.host`, 'utf8'), /boot-3/);
  openDatabase(file, { host: { name: 'a-container-of-it', bootId: 'boot-3' } }).close();
  rmSync(`${file}.host`);
  openDatabase(file, { host: second }).close();
});

test('a damaged file, a folder in its place and a full disk are told apart', () => {
  const damaged = join(folder, 'damaged.db');
  writeFileSync(damaged, 'this is not a database, whatever its name says. '.repeat(100));
  assert.throws(() => openRowStore(damaged), refusal('store_corrupt', false));
  assert.throws(() => openRowStore(folder), refusal('store_unavailable', true));
  const small = openDatabase(join(folder, 'small.db'));
  small.execute('CREATE TABLE t (a TEXT) STRICT; PRAGMA max_page_count = 8');
  const insert = small.prepare('INSERT INTO t (a) VALUES (?)');
  assert.throws(() => small.transaction(() => insert.run('x'.repeat(100_000))), refusal('store_full', true));
  assert.equal(
    small.transaction(() => insert.run('fits')),
    1,
    'it goes on once there is room',
  );
  assert.equal(small.prepare('SELECT count(*) AS rows FROM t').get()?.['rows'], 1);
  small.close();
});

test('another transaction is waited for, and then told', () => {
  const file = join(folder, 'busy.db');
  const one = openDatabase(file);
  const two = openDatabase(file, { busyMillis: 10 });
  one.transaction(() => {
    assert.throws(() => two.transaction(() => 1), refusal('store_unavailable', true));
  });
  assert.equal(
    two.transaction(() => 1),
    1,
  );
  one.close();
  two.close();
});

test('a reader may come before the file, and sees what is committed', () => {
  const file = join(folder, 'late.db');
  const reader = openReader(file);
  assert.equal(reader.hasTable('t'), false);
  assert.throws(() => reader.prepare('SELECT 1').get(), refusal('store_unavailable', true));
  const writer = openDatabase(file);
  assert.equal(reader.hasTable('t'), false);
  writer.transaction(() => writer.execute('CREATE TABLE t (a TEXT) STRICT'));
  assert.equal(reader.hasTable('t'), true);
  const insert = writer.prepare('INSERT INTO t (a) VALUES (?)');
  const count = reader.prepare('SELECT count(*) AS rows FROM t');
  writer.transaction(() => {
    insert.run('one');
    assert.equal(count.get()?.['rows'], 0);
  });
  assert.equal(count.get()?.['rows'], 1);
  assert.throws(() => reader.execute('DELETE FROM t'));
  reader.close();
  writer.close();
});

test('what was deleted is in none of the files after a scrub', async () => {
  const file = join(folder, 'erased.db');
  const canary = 'canary-of-the-erased-conversation';
  const store = openRowStore(file);
  const puts = [aRow('g', 'a', canary.repeat(300)), aRow('g', 'b', canary)];
  await store.commit({ partition: 0, start: null, position: aPosition(1), puts, deletes: [] });
  await store.commit({
    partition: 0,
    start: 1,
    position: aPosition(2),
    puts: [aRow('g', 'b', '{}')],
    deletes: [{ group: 'g', key: 'a' }],
  });
  const database = openDatabase(file);
  assert.equal(database.scrub(), true);
  for (const path of [file, `${file}-wal`]) {
    if (existsSync(path)) assert.equal(readFileSync(path).includes(canary), false, path);
  }
  database.close();
  await store.close();
});
