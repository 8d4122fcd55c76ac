import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Exit } from '../../../infra/kafka/process/service.ts';

/** Longer than a role's own deadline for a stop. */
const STOP_MS = 27_000;
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

export type RoleStart = {
  readonly entry: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  readonly onReady: (where: { readonly address: string | null; readonly health: string | null }) => void;
};

/** One run of a role in a process of its own. */
export interface RoleProcess {
  readonly pid: number;
  /** Resolves when the process has ended, and all that it started. */
  readonly exited: Promise<Exit>;
  /** Asks it to stop, waits, and kills it after a deadline. */
  stop(): Promise<void>;
  /** Ends it and all that it started, at once. */
  kill(): void;
}

/**
 * Starts a role. It leads a process group of its own, so that a terminal's Ctrl-C reaches only the supervisor, which
 * stops roles in order; and it ends by itself when the channel to the supervisor breaks.
 */
export function startRoleProcess(start: RoleStart): RoleProcess {
  const log = openSync(start.logFile, 'a');
  const child = fork(start.entry, [], {
    execArgv: NODE_FLAGS,
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...start.env },
  });
  closeSync(log);
  child.on('message', (message) => {
    const where = readyIn(message);
    if (where !== null) start.onReady(where);
  });
  const exited = exitOf(child);
  return {
    pid: child.pid ?? 0,
    exited,
    async stop() {
      child.kill('SIGTERM');
      const deadline = setTimeout(killAll, STOP_MS, child);
      await exited;
      clearTimeout(deadline);
    },
    kill: () => killAll(child),
  };
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.on('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => {
      killAll(child);
      resolve({ code, signal });
    });
  });
}

function killAll(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}

function readyIn(message: unknown): { address: string | null; health: string | null } | null {
  if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'ready')
    return null;
  return {
    address: 'address' in message && typeof message.address === 'string' ? message.address : null,
    health: 'health' in message && typeof message.health === 'string' ? message.health : null,
  };
}
