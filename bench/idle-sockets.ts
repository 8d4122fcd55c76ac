import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../test/support/random.ts';
import { stopRole } from '../test/support/role-process.ts';
import type { IdleOrder, IdleReport } from './idle-client/main.ts';
import { atLeast, atMost, type Bench, type BenchOptions, type Outcome } from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { writeBenchKey } from './support/keys-file.ts';
import { startTimedServer } from './support/paced-run.ts';
import { startBenchPlatform } from './support/platform.ts';
import { residentBytes } from './support/resident-bytes.ts';
import { shuffled, summarise, type Summary } from './support/statistics.ts';
import { VoidRun } from './support/void-run.ts';

/** Behind the first two thousand a process has grown what it needs for any number. */
const FIRST = 2_000;
const ALL = 10_000;
/** Longer than a ping of the gateway takes to come round, and than a collection of garbage lets wait. */
const IDLE_SECONDS = 35;
const ROUNDS = 2;
const CLIENT = fileURLToPath(new URL('./idle-client/main.ts', import.meta.url));

export const idleSockets: Bench = {
  name: 'idle-sockets',
  purpose: 'memory of an idle authenticated WebSocket, 10,000 of them at once, beside a bare ws server (T7)',
  run,
};

type Server = { readonly url: string; readonly pid: number; readonly close: () => Promise<unknown> };
type Side = { readonly name: string; readonly open: () => Promise<Server>; readonly perSocket: number[] };

async function run(options: BenchOptions): Promise<Outcome> {
  const { say, signal, seed } = options;
  await using cleanup = new AsyncDisposableStack();
  const { key, env, close } = await writeBenchKey();
  cleanup.defer(close);
  say('starting broker, registry and roles');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  const { platform } = await startBenchPlatform(cluster, options, {
    ...env,
    STENO_MAX_OPEN_INFERENCES: '4000',
  });
  cleanup.defer(() => platform.stop());
  const steno: Side = {
    name: 'steno',
    perSocket: [],
    async open() {
      const gateway = await platform.start('gateway', { STENO_REPLY_PARTITION: '7' });
      return {
        url: gateway.address ?? '',
        pid: gateway.pid,
        close: () => stopRole(gateway),
      };
    },
  };
  const bare: Side = {
    name: 'bare ws server',
    perSocket: [],
    async open() {
      const server = await startTimedServer();
      return { url: server.url, pid: server.processes[0]?.pid ?? 0, close: () => server.close() };
    },
  };
  const { share } = seededRandom(seed);
  const idleMillis = (options.seconds ?? IDLE_SECONDS) * 1_000;
  for (let round = 1; round <= (options.rounds ?? ROUNDS); round += 1) {
    for (const side of shuffled([steno, bare], share)) {
      const bytes = await measure(side, key, idleMillis, signal);
      side.perSocket.push(bytes / 1024);
      say(`round ${round}, ${side.name}: ${(bytes / 1024).toFixed(1)} KiB a socket`);
    }
  }
  return outcomeOf(summarise(steno.perSocket), summarise(bare.perSocket), seed, idleMillis);
}

/** Resident bytes of the server per socket, between the first and all of them; every socket stays open, or the run is void. */
async function measure(side: Side, key: string, idleMillis: number, signal: AbortSignal): Promise<number> {
  const server = await side.open();
  const child = fork(CLIENT, { execArgv: ['--disable-warning=ExperimentalWarning'] });
  const stop = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  const holdOpen = async (sockets: number): Promise<void> => {
    const order: IdleOrder = { url: server.url, key, sockets };
    child.send(order);
    // The client reports nothing else.
    const [report] = (await once(child, 'message')) as [IdleReport];
    if (report.type === 'void') throw new VoidRun(`${side.name}: ${report.why}`);
    if (report.type === 'closed') throw new VoidRun(`${side.name}: ${report.sockets} sockets were closed`);
    if (report.sockets !== sockets)
      throw new VoidRun(`${side.name}: ${report.sockets} of ${sockets} are open`);
  };
  try {
    await holdOpen(FIRST);
    await pause(idleMillis, undefined, { signal });
    const before = residentBytes(server.pid);
    await holdOpen(ALL);
    await pause(idleMillis, undefined, { signal });
    await holdOpen(ALL);
    return (residentBytes(server.pid) - before) / (ALL - FIRST);
  } finally {
    signal.removeEventListener('abort', stop);
    child.kill('SIGKILL');
    await server.close();
  }
}

function outcomeOf(ours: Summary, bare: Summary, seed: number, idleMillis: number): Outcome {
  const ratio = ours.median / bare.median;
  return {
    figures: [
      {
        what: 'resident memory of an idle authenticated WebSocket',
        unit: 'KiB',
        ours,
        limit: { name: 'bare ws server', value: bare },
        targets: [
          atMost('must', '<= 2x the bare ws server', ratio, 2),
          atMost('moonshot', '<= 1.2x the bare ws server', ratio, 1.2),
          // A run with fewer is void.
          atLeast('must', `${ALL} sockets at once`, ALL, 10_000),
        ],
      },
    ],
    notes: [
      `order of the rounds: seed ${seed}`,
      `${FIRST} sockets, then ${ALL}, each time ${idleMillis / 1_000} s after the last was opened; the difference of VmRSS by the difference of sockets`,
      'every socket brought an API key; a fresh process of each server in every round',
    ],
  };
}
