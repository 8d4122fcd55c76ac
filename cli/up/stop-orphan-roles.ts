import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, type ProcessMark } from '../../runtime/process-mark.ts';
import type { Logger } from '../../runtime/logger.ts';
import { readRunState, removeRunState } from '../run-state.ts';

/** They were told by their channel when their supervisor vanished; this is for those that still drain, or hang. */
const STOP_MS = 5_000;

/** Ends the roles that a killed supervisor left behind. Call it with the data directory locked. */
export async function stopOrphanRoles(dataDir: string, logger: Logger): Promise<void> {
  const left = await readRunState(dataDir);
  if (left === null) return;
  const marks = left.roles.flatMap((role) =>
    role.process !== null && isRunning(role.process) ? [role.process] : [],
  );
  for (const { pid } of marks) logger.warn('orphaned role stopped', { pid });
  await Promise.all(marks.map(endProcess));
  removeRunState(dataDir);
}

async function endProcess(mark: ProcessMark): Promise<void> {
  send(mark, 'SIGTERM');
  for (const deadline = Date.now() + STOP_MS; isRunning(mark) && Date.now() < deadline;) await delay(25);
  send(mark, 'SIGKILL');
  while (isRunning(mark)) await delay(25);
}

function send(mark: ProcessMark, signal: NodeJS.Signals): void {
  if (!isRunning(mark)) return;
  try {
    // Roles lead process groups: what they started goes with them.
    process.kill(signal === 'SIGKILL' ? -mark.pid : mark.pid, signal);
  } catch (error) {
    if (isRunning(mark)) throw error;
  }
}
