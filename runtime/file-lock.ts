import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { readFileSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { errorCode } from './errors.ts';
import { isRunning, markOf, parseMark, type ProcessMark } from './process-mark.ts';

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
  const held = { lock: { release: () => releaseLock(path, mine) } };
  for (;;) {
    if (await createLock(path, mine)) return held;
    const holder = await holderOf(path);
    if (holder === 'none') continue;
    if (holder !== 'gone') return { heldBy: holder === 'writing' ? null : holder.pid };
    if (await takeOver(path, mine)) return held;
    await delay(5);
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

/** Who holds the lock file: nobody, a process that is writing its name, one that runs, or one that is gone. */
async function holderOf(path: string): Promise<'none' | 'writing' | 'gone' | ProcessMark> {
  const found = await readFile(path, 'utf8').catch(() => null);
  if (found === null) return 'none';
  const holder = parseMark(found);
  if (holder === null) return (await ageMs(path)) < WRITING_MS ? 'writing' : 'gone';
  return isRunning(holder) ? holder : 'gone';
}

/**
 * Takes the lock of a process that is gone, under a lock of its own: of many who found it stale, one looks again and
 * replaces it, and none removes what another has just taken. False if another process is at it or was faster.
 */
async function takeOver(path: string, mine: string): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await createLock(guard, mine))) {
    if ((await holderOf(guard)) === 'gone') await rm(guard, { force: true });
    return false;
  }
  try {
    if ((await holderOf(path)) !== 'gone') return false;
    await rm(path, { force: true });
    return await createLock(path, mine);
  } finally {
    await rm(guard, { force: true });
  }
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
