import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from '../../../runtime/logger.ts';
import { commandLine, isRunning, parseMark, type ProcessMark } from '../../../runtime/process-mark.ts';
import { realDir } from './real-dir.ts';

/** How long an orphan may take to close its files before it is killed. */
const STOP_MS = 15_000;

/**
 * Stops the Java processes that a killed supervisor left behind in a data directory. Only processes that still are
 * what was recorded, and whose command line names this directory, are touched. Call it with the directory locked.
 */
export async function stopOrphans(dir: string, logger: Logger): Promise<void> {
  const home = await realDir(dir);
  const files = await readdir(join(home, 'run')).catch(() => []);
  await Promise.all(files.filter((file) => file.endsWith('.pid')).map((file) => stopOne(home, file, logger)));
}

async function stopOne(home: string, file: string, logger: Logger): Promise<void> {
  const path = join(home, 'run', file);
  const mark = parseMark(await readFile(path, 'utf8'));
  if (mark !== null && isRunning(mark) && commandLine(mark.pid)?.includes(`${homeFlag(home)} `) === true) {
    logger.warn('orphaned process stopped', { file, pid: mark.pid });
    await terminate(mark);
  }
  await rm(path, { force: true });
}

/** The JVM flag by which a process says whose data it holds. */
export function homeFlag(home: string): string {
  return `-Dsteno.data=${home}`;
}

async function terminate(mark: ProcessMark): Promise<void> {
  const deadline = Date.now() + STOP_MS;
  send(mark, 'SIGTERM');
  while (isRunning(mark) && Date.now() < deadline) await delay(25);
  if (!isRunning(mark)) return;
  send(mark, 'SIGKILL');
  while (isRunning(mark)) await delay(25);
}

function send(mark: ProcessMark, signal: NodeJS.Signals): void {
  try {
    process.kill(mark.pid, signal);
  } catch (error) {
    if (isRunning(mark)) throw error;
  }
}
