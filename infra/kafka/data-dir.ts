import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { StenoError } from '../../runtime/errors.ts';
import { tryLock, type FileLock } from '../../runtime/file-lock.ts';

/** Tries for a lock whose holder is only just writing its name. */
const TRIES = 50;

/**
 * Takes a data directory for this process, creating it if need be. `name` is the lock's file in it.
 * A lock left by a dead process is taken over.
 *
 * @throws StenoError `data_dir_in_use`, naming the directory and the process that holds it
 */
export async function lockDataDir(dir: string, name = 'steno.lock'): Promise<FileLock> {
  let holder: number | null = null;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const attempt = await tryLock(join(dir, name));
    if ('lock' in attempt) return attempt.lock;
    holder = attempt.heldBy;
    if (holder !== null) break;
    await delay(50);
  }
  throw new StenoError(
    'data_dir_in_use',
    `The data directory ${dir} is in use by process ${holder ?? 'unknown'}.`,
    {
      fix: 'Stop that process, or choose another data directory.',
      facts: { dir, pid: holder },
    },
  );
}

/**
 * Checks that the disk under `dir` has `needBytes` free.
 *
 * @throws StenoError `disk_full`
 */
export async function checkDisk(dir: string, needBytes: number): Promise<void> {
  await mkdir(dir, { recursive: true });
  const disk = await statfs(dir);
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes >= needBytes) return;
  const [free, need] = [freeBytes, needBytes].map((bytes) => `${Math.ceil(bytes / 1e6)} MB`);
  throw new StenoError('disk_full', `The disk under ${dir} has ${free} free, and ${need} are needed.`, {
    fix: 'Free some space, or choose a directory on another disk.',
    facts: { dir, freeBytes, needBytes },
  });
}
