import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Names one run of one process: `started` tells it from a later process with the same id. */
export type ProcessMark = { readonly pid: number; readonly started: string | null };

const HAS_PROC = existsSync('/proc/self/stat');

/** The mark of a process that runs now; `started` is null where the system does not tell. */
export function markOf(pid: number): ProcessMark {
  return { pid, started: startedAt(pid) };
}

/** Whether the very process that was marked still runs. A zombie does not count as running. */
export function isRunning(mark: ProcessMark): boolean {
  if (!isAlive(mark.pid)) return false;
  const started = startedAt(mark.pid);
  return started === null || mark.started === null || started === mark.started;
}

/** The command line of a process, or null where the system does not tell. */
export function commandLine(pid: number): string | null {
  if (!HAS_PROC) return ps(pid, 'command');
  const line = readOrNull(`/proc/${pid}/cmdline`);
  return line === null ? null : line.replaceAll('\0', ' ');
}

/** Reads a mark back from JSON; null when the text is something else. */
export function parseMark(text: string): ProcessMark | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value))
      return null;
    const { pid, started } = value;
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return null;
    return { pid, started: typeof started === 'string' ? started : null };
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return procState(pid) !== 'Z';
}

function startedAt(pid: number): string | null {
  if (!HAS_PROC) return ps(pid, 'lstart');
  const ticks = procFields(pid)[19];
  if (ticks === undefined) return null;
  // Ticks count from boot, so the boot is part of the name.
  return `${readOrNull('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}:${ticks}`;
}

function procState(pid: number): string | undefined {
  return HAS_PROC ? procFields(pid)[0] : undefined;
}

/** The fields of `/proc/PID/stat` after the command name, which may itself hold spaces and brackets. */
function procFields(pid: number): readonly string[] {
  const stat = readOrNull(`/proc/${pid}/stat`);
  return stat === null ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function ps(pid: number, column: 'lstart' | 'command'): string | null {
  try {
    return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}
