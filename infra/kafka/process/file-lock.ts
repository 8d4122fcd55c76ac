import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { readFileSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { errorCode } from '../../../runtime/errors.ts';
import { isRunning, markOf, parseMark } from './process-mark.ts';

/** A lock that this process holds. Releasing twice does no harm. */
export interface FileLock {
  release(): void;
}

/** What an attempt gave: the lock, or the process that holds it (null while it is just being written). */
export type LockAttempt = { readonly lock: FileLock } | { readonly heldBy: number | null };

/** A lock file without a readable owner is one being written, unless it is older than this. */
const WRITING_MS = 2_000;

/**
 * Tries once to take the lock file at `path`, which names its holder by process id and start time.
 * The lock of a process that no longer runs is taken over.
 */
export async function tryLock(path: string): Promise<LockAttempt> {
  await mkdir(dirname(path), { recursive: true });
  const mine = JSON.stringify({ ...markOf(process.pid), token: randomUUID() });
  for (;;) {
    if (await createLock(path, mine)) return { lock: { release: () => releaseLock(path, mine) } };
    const found = await readFile(path, 'utf8').catch(() => null);
    if (found === null) continue;
    const holder = parseMark(found);
    if (holder !== null && isRunning(holder)) return { heldBy: holder.pid };
    if (holder === null && (await ageMs(path)) < WRITING_MS) return { heldBy: null };
    await removeStale(path, found);
  }
}

/** Waits until the lock is free and takes it; `onWait` hears once who holds it. */
export async function waitForLock(path: string, onWait: (pid: number | null) => void): Promise<FileLock> {
  for (let told = false; ; told = true) {
    const attempt = await tryLock(path);
    if ('lock' in attempt) return attempt.lock;
    if (!told) onWait(attempt.heldBy);
    await delay(200);
  }
}

async function createLock(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a stale lock aside first: of two processes that found it, only one moves the file it read. */
async function removeStale(path: string, found: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  const moved = await readFile(aside, 'utf8');
  if (moved !== found) await createLock(path, moved);
  await rm(aside, { force: true });
}

function releaseLock(path: string, mine: string): void {
  try {
    if (readFileSync(path, 'utf8') === mine) rmSync(path, { force: true });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

async function ageMs(path: string): Promise<number> {
  const written = await stat(path).catch(() => null);
  return written === null ? Infinity : Date.now() - written.mtimeMs;
}
