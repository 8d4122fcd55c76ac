import { startModelBehind } from '../peers/model-behind.ts';
import { openPeerSides, type PeerSides } from '../peers/peer-sides.ts';
import { openBarePath, type BarePath } from './bare-path.ts';
import type { BenchOptions } from './bench.ts';
import { startCluster } from './cluster.ts';
import { drive, type Path } from './load.ts';
import { startBenchPlatform } from './platform.ts';
import { writeBenchKey } from './keys-file.ts';
import { openSocketPath } from './socket-path.ts';
import { writeQuestions, type Question } from './questions.ts';
import { createMeter, type Meter } from './usage.ts';

/** Ours and the limit on one broker, warm, each with a meter over its processes. */
export type SideBySide = {
  readonly url: string;
  /** Of every call to the gateway. */
  readonly headers: Readonly<Record<string, string>>;
  readonly questions: readonly Question[];
  readonly ours: { readonly path: Path; readonly meter: Meter };
  readonly bare: { readonly path: BarePath; readonly meter: Meter };
  /** What is measured over HTTP beside other proxies; null if none was asked for. */
  readonly peers: PeerSides | null;
};

/** A JVM goes on compiling for as long: its share per turn halves meanwhile. */
const WARM_SECONDS = 10;

/** Starts the platform and the bare path, hands them to `measure`, and stops them whatever happens. */
export async function withPlatform<T>(
  options: BenchOptions,
  clients: number,
  measure: (sides: SideBySide) => Promise<T>,
): Promise<T> {
  const { say, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  say('starting broker and registry');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  signal.throwIfAborted();
  say('starting the roles and the bare stages');
  const behind = options.peers.length === 0 ? null : await startModelBehind();
  if (behind !== null) cleanup.defer(() => behind.close());
  const key = options.keys ? await writeBenchKey() : null;
  if (key !== null) cleanup.defer(() => key.close());
  const { headers } = key ?? { headers: {} };
  const { platform, processes } = await startBenchPlatform(cluster, withSpend(options), {
    ...behind?.env,
    ...key?.env,
  });
  cleanup.defer(() => platform.stop());
  const barePath = await openBarePath(cluster.kafka, cluster.prefix, clients);
  cleanup.defer(() => barePath.close());
  const questions = await writeQuestions();
  const socketPath = await openSocketPath(platform.url(), clients, questions, headers);
  cleanup.defer(() => socketPath.close());
  say('warming up');
  for (const path of [barePath, socketPath]) await drive(path, clients, WARM_SECONDS, signal);
  let peers: PeerSides | null = null;
  if (behind !== null) {
    const sides = await openPeerSides({
      behind,
      platform,
      processes,
      cluster,
      questions,
      clients,
      options,
      key,
    });
    cleanup.defer(() => sides.close());
    peers = sides;
  }
  // Awaited here: the stack is undone when this function returns.
  return await measure({
    url: platform.url(),
    headers,
    questions,
    ours: { path: socketPath, meter: createMeter([...processes, ...cluster.processes]) },
    bare: { path: barePath, meter: createMeter([...barePath.processes, ...cluster.processes]) },
    peers,
  });
}

/** What was spent is in the read model: without it a key that may spend is refused. */
function withSpend(options: BenchOptions): BenchOptions {
  return { ...options, projections: options.projections || options.keys };
}
