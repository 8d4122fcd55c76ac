import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '../../runtime/errors.ts';

const POLL_MS = 200;

/**
 * Runs `work` while no other process runs it for the same `lockPath`. Waits for the holder; the lock of a process of
 * this host that is gone is taken over.
 */
export async function withFetchLock<T>(
  lockPath: string,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  for (let waits = 0; !(await tryLock(lockPath, mine)); waits += 1) {
    if (waits === 0) onWait();
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(lockPath, { force: true });
  }
}

async function tryLock(path: string, mine: string): Promise<boolean> {
  try {
    await writeFile(path, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  const holder = await readFile(path, 'utf8').catch(() => null);
  if (holder !== null && isGone(holder)) await remove(path, holder);
  return false;
}

/** Moves the lock aside before deleting it: if another process replaced it meanwhile, the new one is put back. */
async function remove(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return; // another process was faster
  }
  if ((await readFile(aside, 'utf8')) !== holder) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function isGone(holder: string): boolean {
  try {
    const { pid, host } = JSON.parse(holder) as { pid: number; host: string }; // written by tryLock
    if (host !== hostname()) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}
