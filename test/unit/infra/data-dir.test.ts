import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { checkDisk, lockDataDir } from '../../../infra/kafka/data-dir.ts';

describe('a data directory', () => {
  it('in use is refused with its name and the holder', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'steno-'));
    const lock = await lockDataDir(dir);
    await assert.rejects(lockDataDir(dir), {
      code: 'data_dir_in_use',
      message: `The data directory ${dir} is in use by process ${process.pid}.`,
    });
    lock.release();
    await rm(dir, { recursive: true });
  });

  it('on a disk with too little space is refused', async () => {
    await assert.rejects(checkDisk(tmpdir(), 1e18), {
      code: 'disk_full',
      message: /and 1000000000000 MB are needed/,
    });
    await checkDisk(tmpdir(), 1);
  });
});
