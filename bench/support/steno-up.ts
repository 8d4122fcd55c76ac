import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { readRunState } from '../../cli/run-state.ts';
import { ask } from './ask.ts';
import { CACHE_DIR } from '../../test/support/cache-dir.ts';
import { processTree, stillRunning } from './process-tree.ts';
import { VoidRun } from './void-run.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/steno.js', import.meta.url));
const START_MS = 300_000;
const POLL_MS = 10;
const LETTING_GO_MS = 1_000;

/** One start of the whole installation, to its first streamed token and back to nothing; milliseconds. */
export type Started = {
  readonly readyMs: number;
  readonly firstTokenMs: number;
  readonly stopMs: number;
  readonly processes: number;
};

/** Starts `steno up` over a data directory, asks one question, and stops it. Throws VoidRun if a process is left. */
export async function startAndAsk(dataDir: string, signal: AbortSignal): Promise<Started> {
  const began = performance.now();
  const child = spawn(process.execPath, [PROGRAM, 'up'], {
    env: { ...process.env, STENO_DATA_DIR: dataDir, STENO_CACHE_DIR: CACHE_DIR, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output += data.toString()));
  const exited = once(child, 'exit');
  try {
    const gateway = await waitUntilReady(child, dataDir, signal, () => output);
    const readyMs = performance.now() - began;
    const socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}/v1/chat`);
    await once(socket, 'open');
    const askedAt = performance.now() - began;
    const { firstMs } = await ask(socket, { text: 'Say hello.', temperature: 0, max_tokens: 8 });
    socket.terminate();
    const processes = processTree(child.pid ?? 0);
    const stoppedAt = performance.now();
    child.kill('SIGTERM');
    await exited;
    const stopMs = performance.now() - stoppedAt;
    await expectGone(processes);
    return { readyMs, firstTokenMs: askedAt + firstMs, stopMs, processes: processes.length };
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await exited;
    }
  }
}

async function waitUntilReady(
  child: ChildProcess,
  dataDir: string,
  signal: AbortSignal,
  output: () => string,
): Promise<string> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`steno up ended while it started:\n${output()}`);
    }
    const state = await readRunState(dataDir);
    const address = state?.roles.find(({ name }) => name === 'gateway')?.address ?? null;
    if (state?.phase === 'ready' && address !== null) return address;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`steno up was not ready within ${START_MS / 1_000} s:\n${output()}`);
}

async function expectGone(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + LETTING_GO_MS;
  while (stillRunning(pids).length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const left = stillRunning(pids);
  if (left.length > 0)
    throw new VoidRun(`steno up stopped and left ${left.length} processes: ${left.join(', ')}`);
}
