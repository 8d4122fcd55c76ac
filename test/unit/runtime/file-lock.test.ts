import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';

import { tryLock, waitForLock } from '../../../runtime/file-lock.ts';
import { markOf } from '../../../runtime/process-mark.ts';

describe('a lock file', () => {
  let dir: string;
  let path: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'steno-'));
    path = join(dir, 'lock');
  });
  beforeEach(() => rm(path, { force: true }));
  after(() => rm(dir, { recursive: true }));

  it('is held by one at a time, and free after its release', async () => {
    const first = await tryLock(path);
    assert.ok('lock' in first);
    assert.deepEqual(await tryLock(path), { heldBy: process.pid });
    first.lock.release();
    assert.ok('lock' in (await tryLock(path)));
  });

  it('is given to exactly one of many who find it stale', async () => {
    await writeFile(path, JSON.stringify({ pid: process.pid, started: 'another boot:1' }));
    const attempts = await Promise.all(Array.from({ length: 20 }, () => tryLock(path)));
    assert.equal(attempts.filter((attempt) => 'lock' in attempt).length, 1);
    assert.deepEqual(await readdir(dir), ['lock']);
  });

  it('of a process that runs is respected', async () => {
    await writeFile(path, JSON.stringify(markOf(process.ppid)));
    assert.deepEqual(await tryLock(path), { heldBy: process.ppid });
  });

  it('without a name is being written when young, and stale when old', async () => {
    await writeFile(path, '');
    assert.deepEqual(await tryLock(path), { heldBy: null });
    await utimes(path, 0, 0);
    assert.ok('lock' in (await tryLock(path)));
  });

  it('is not taken away by the release of an earlier holder', async () => {
    const first = await tryLock(path);
    await writeFile(path, 'of somebody else');
    assert.ok('lock' in first);
    first.lock.release();
    assert.equal(await readFile(path, 'utf8'), 'of somebody else');
  });

  it('is waited for', async () => {
    const first = await tryLock(path);
    const heard = await new Promise((resolve) => {
      void waitForLock(path, resolve);
    });
    assert.equal(heard, process.pid);
    assert.ok('lock' in first);
    first.lock.release();
  });
});
