import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { rolePrograms } from '../../cli/roles.ts';

export type RoleProcess = {
  readonly name: string;
  readonly pid: number;
  /** Where a gateway is reached, such as http://127.0.0.1:8080; null for other roles. */
  readonly address: string | null;
  /** Where /livez, /readyz and /metrics are. */
  readonly health: string;
  readonly child: ChildProcess;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
};

/** Starts a role as its own process, as a container would, and resolves when it is ready. */
export async function startRole(
  name: string,
  env: Readonly<Record<string, string>>,
  logFile: string,
): Promise<RoleProcess> {
  const program = rolePrograms.find((role) => role.name === name);
  if (program === undefined) throw new Error(`no role ${name}`);
  const child = fork(program.entry, {
    env: { ...process.env, ...env },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const log = createWriteStream(logFile, { flags: 'a' });
  child.stdout?.pipe(log);
  child.stderr?.pipe(log);
  const exited = once(child, 'exit').then(([code, signal]) => ({
    // The arguments of 'exit' as Node documents them.
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const ready = new Promise<{ address: string | null; health: string }>((resolve) => {
    child.on('message', (message) => {
      if (typeof message !== 'object' || !('type' in message) || message.type !== 'ready') return;
      // The message that run-role.ts sends.
      resolve(message as unknown as { address: string | null; health: string });
    });
  });
  const outcome = await Promise.race([ready, exited]);
  if (!('health' in outcome)) throw new Error(`${name} ended before it was ready: see ${logFile}`);
  return { name, pid: child.pid ?? 0, address: outcome.address, health: outcome.health, child, exited };
}

/** Kills a role without warning and resolves when it is gone. */
export async function kill9(role: RoleProcess): Promise<void> {
  role.child.kill('SIGKILL');
  await role.exited;
}

/** Asks a role to stop and resolves with how it ended. */
export async function stopRole(role: RoleProcess): Promise<{ readonly code: number | null }> {
  if (role.child.exitCode === null && role.child.signalCode === null) role.child.kill('SIGTERM');
  return role.exited;
}
