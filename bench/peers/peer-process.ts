import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { processTree, stillRunning } from '../support/process-tree.ts';

const START_MS = 240_000;
const STOP_MS = 10_000;
const POLL_MS = 100;
const KEEP_CHARS = 2_000;

export type PeerProcess = {
  /** The process and all that descend from it, as they were when it was ready. */
  readonly pids: readonly number[];
  close(): Promise<void>;
};

/** Starts a program and resolves when `readyUrl` answers 200. Throws Error with the end of its output if it never does. */
export async function startPeerProcess(options: {
  readonly command: string;
  readonly parameters: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly readyUrl: string;
  readonly signal: AbortSignal;
}): Promise<PeerProcess> {
  const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
  const child = spawn(options.command, options.parameters, {
    env: { ...inherited, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output = (output + data.toString()).slice(-KEEP_CHARS)));
  const close = async (): Promise<void> => {
    const pids = processTree(child.pid ?? 0);
    const late = setTimeout(() => {
      for (const pid of stillRunning(pids)) process.kill(pid, 'SIGKILL');
    }, STOP_MS);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await exited;
    }
    clearTimeout(late);
    // What it left behind when it was told to stop.
    for (const pid of stillRunning(pids)) process.kill(pid, 'SIGKILL');
  };
  try {
    const deadline = performance.now() + START_MS;
    while (!(await answers(options.readyUrl))) {
      options.signal.throwIfAborted();
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended: ${output.trim()}`);
      if (performance.now() > deadline) throw new Error(`it was not ready within ${START_MS / 1_000} s`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return { pids: processTree(child.pid ?? 0), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(START_MS) })).ok;
  } catch {
    return false;
  }
}
