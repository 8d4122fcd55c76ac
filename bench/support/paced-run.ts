import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { PacedOrder, PacedReport, PacedResult } from '../paced-client/protocol.ts';
import { cpuSecondsOf } from './usage.ts';
import { VoidRun } from './void-run.ts';

const CLIENT = fileURLToPath(new URL('../paced-client/main.ts', import.meta.url));
const TIMED_SERVER = fileURLToPath(new URL('../timed-server/main.ts', import.meta.url));
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** What the processes of one side used for the tokens of the hold. */
export type PacedRun = PacedResult & {
  /** Microseconds of CPU per token: of each process, and of the load generator. */
  readonly cpu: ReadonlyMap<string, number>;
};

/** A process by its name. */
export type Counted = { readonly name: string; readonly pid: number };

/** Has the load generator stream at a server; counts the CPU of these processes and of the generator while all stream. */
export async function runPaced(
  order: PacedOrder,
  processes: readonly Counted[],
  signal: AbortSignal,
): Promise<PacedRun> {
  const child = fork(CLIENT, { execArgv: NODE_FLAGS });
  const all = [...processes, { name: 'load generator', pid: child.pid ?? 0 }];
  const read = (): readonly number[] => all.map(({ pid }) => cpuSecondsOf(pid) ?? Number.NaN);
  const stop = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  try {
    let before: readonly number[] = [];
    let after: readonly number[] = [];
    const result = await new Promise<PacedResult>((resolve, reject) => {
      child.on('exit', () => reject(new VoidRun('the load generator ended')));
      child.on('message', (message) => {
        // The load generator reports nothing else.
        const report = message as PacedReport;
        if (report.type === 'hold') before = read();
        else if (report.type === 'held') after = read();
        else if (report.type === 'void') reject(new VoidRun(`${order.streams} streams: ${report.why}`));
        else resolve(report);
      });
      child.send(order);
    });
    const perToken = all.map(({ name }, index) => {
      const seconds = (after[index] ?? Number.NaN) - (before[index] ?? Number.NaN);
      return [name, (seconds * 1e6) / result.tokensInHold] as const;
    });
    return { ...result, cpu: sumByName(perToken) };
  } finally {
    signal.removeEventListener('abort', stop);
    child.kill('SIGKILL');
  }
}

function sumByName(parts: readonly (readonly [string, number])[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [name, value] of parts) sums.set(name, (sums.get(name) ?? 0) + value);
  return sums;
}

export type TimedServer = {
  readonly url: string;
  readonly processes: readonly Counted[];
  close(): Promise<void>;
};

/** Starts the server that sends the same frames from timers. */
export async function startTimedServer(): Promise<TimedServer> {
  const child = spawn(process.execPath, [...NODE_FLAGS, TIMED_SERVER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [first] = (await once(lines, 'line')) as [string]; // the arguments of 'line'
  // The program's first line.
  const { url } = JSON.parse(first) as { readonly url: string };
  return {
    url,
    processes: [{ name: 'timed server', pid: child.pid ?? 0 }],
    async close() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
