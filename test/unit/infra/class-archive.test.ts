import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

import { classArchive, type ClassArchive } from '../../../infra/kafka/process/class-archive.ts';

const java = { path: '/opt/java/bin/java', version: 17, home: '/opt/java' };

describe('a class archive', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'steno-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const find = (): Promise<ClassArchive> => classArchive(folder, 'broker', java);

  /** Does what the JVM does as it ends. */
  async function write(archive: ClassArchive): Promise<void> {
    const flag = archive.flags.find((each) => each.startsWith('-XX:ArchiveClassesAtExit='));
    await writeFile(flag?.split('=')[1] ?? '', 'classes');
  }

  it('is written by the first orderly end and read from then on', async () => {
    const first = await find();
    await write(first);
    await first.keep();
    const second = await find();
    assert.deepEqual([first.writes, second.writes], [true, false]);
    const [file = ''] = await readdir(folder);
    assert.ok(second.flags.includes(`-XX:SharedArchiveFile=${join(folder, file)}`));
  });

  it('of another Java or program is not read', async () => {
    const first = await find();
    await write(first);
    await first.keep();
    assert.equal((await classArchive(folder, 'registry', java)).writes, true);
    assert.equal((await classArchive(folder, 'broker', { ...java, version: 25 })).writes, true);
  });

  it('that was cut is not read, because it would crash the JVM', async () => {
    const first = await find();
    await write(first);
    await first.keep();
    const [file = ''] = await readdir(folder);
    await truncate(join(folder, file), 3);
    assert.equal((await find()).writes, true);
  });

  it('that crashed a JVM is dropped', async () => {
    const first = await find();
    await write(first);
    await first.keep();
    await (await find()).distrust();
    assert.deepEqual(await readdir(folder), []);
  });

  it('that a failed start wrote is dropped', async () => {
    const first = await find();
    await write(first);
    await first.drop();
    assert.deepEqual(await readdir(folder), []);
  });

  it('that the JVM did not write is not missed', async () => {
    await (await find()).keep();
    assert.deepEqual(await readdir(folder), []);
  });

  it('that a killed supervisor left half written is removed', async () => {
    // No system gives out process ids this high.
    await writeFile(join(folder, 'broker-abc.999999999.x.tmp'), 'cla');
    await find();
    assert.deepEqual(await readdir(folder), []);
  });
});
