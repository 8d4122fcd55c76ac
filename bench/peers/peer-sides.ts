import type { Platform } from '../../test/support/platform.ts';
import type { BenchOptions } from '../support/bench.ts';
import type { BenchKey } from '../support/keys-file.ts';
import type { BenchCluster } from '../support/cluster.ts';
import { drive } from '../support/load.ts';
import type { Question } from '../support/questions.ts';
import type { Side } from '../support/rounds.ts';
import { openSsePath } from '../support/sse-path.ts';
import { createMeter, type Measured } from '../support/usage.ts';
import { openCompletionsPath } from './completions-path.ts';
import type { ModelBehind } from './model-behind.ts';
import type { PeerName } from './peer-program.ts';
import { notRun, startPeer, type Peer } from './start-peers.ts';

/** All that is asked over streamed HTTP by the same kind of client; every side is warm. */
export type PeerSides = {
  /** The backend, with nothing before it. */
  readonly direct: Side;
  /** We, before the same backend as the peers. */
  readonly behind: Side;
  /** We, with the scripted engine in the worker. */
  readonly inside: Side;
  /** Those that could be installed and started. */
  readonly peers: ReadonlyMap<PeerName, Peer>;
  /** How the peers were set up, and why one is missing. */
  readonly notes: readonly string[];
};

const WARM_SECONDS = 5;

export async function openPeerSides(parts: {
  readonly behind: ModelBehind;
  readonly platform: Platform;
  readonly processes: readonly Measured[];
  readonly cluster: BenchCluster;
  readonly questions: readonly Question[];
  readonly clients: number;
  readonly options: BenchOptions;
  /** What all sides that know keys are asked with; null for none. */
  readonly key: BenchKey | null;
}): Promise<PeerSides & { close(): Promise<void> }> {
  const { behind, platform, processes, cluster, questions, clients, options, key } = parts;
  const { backend } = behind;
  const { signal, say } = options;
  await using cleanup = new AsyncDisposableStack();
  const role = await platform.start('inference-worker', { STENO_MODEL: behind.model });
  const worker: Measured = {
    name: 'inference-worker before the backend',
    pid: role.pid,
    metricsUrl: `${role.health}/metrics`,
  };
  const own = [...processes, ...cluster.processes];
  const directTarget = { name: 'backend directly', baseUrl: backend.baseUrl, model: 'scripted' };
  const directPath = openCompletionsPath(directTarget, clients, questions);
  const ours = await openOurs(platform.url(), questions, clients, key?.headers ?? {});
  const direct: Side = { path: directPath, meter: createMeter([backend.process]) };
  const before: Side = {
    path: ours('steno before the backend', behind.model),
    meter: createMeter([...own.filter(({ name }) => name !== 'inference-worker'), worker, backend.process]),
  };
  const inside: Side = { path: ours('steno, scripted engine', 'scripted'), meter: createMeter(own) };
  for (const { path } of [direct, before, inside]) {
    cleanup.defer(() => path.close());
    await drive(path, clients, WARM_SECONDS, signal);
  }
  const peers = new Map<PeerName, Peer>();
  const notes: string[] = [];
  for (const name of options.peers) {
    signal.throwIfAborted();
    try {
      const peer = await startPeer(name, backend, questions, clients, { ...options, key: key?.key ?? null });
      cleanup.defer(() => peer.close());
      peers.set(name, peer);
      notes.push(peer.about);
    } catch (error) {
      signal.throwIfAborted();
      notes.push(notRun(name, error));
      say(notRun(name, error));
    }
  }
  const opened = cleanup.move();
  return { direct, behind: before, inside, peers, notes, close: () => opened.disposeAsync() };
}

/** Our clients: of OpenAI's route where the gateway has it, else of its own. */
async function openOurs(
  url: string,
  questions: readonly Question[],
  clients: number,
  headers: Readonly<Record<string, string>>,
): Promise<(name: string, model: string) => Side['path']> {
  const { status } = await fetch(`${url}/v1/models`, { headers });
  return (name, model) =>
    status === 404
      ? openSsePath(url, questions, { name, model, clients, headers })
      : openCompletionsPath({ name, baseUrl: `${url}/v1`, model, headers }, clients, questions);
}
