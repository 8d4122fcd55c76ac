import { mkdirSync } from 'node:fs';
import { startPlatform, type Platform } from '../../test/support/platform.ts';
import type { BenchOptions } from './bench.ts';
import { CACHE_DIR } from '../../test/support/cache-dir.ts';
import type { BenchCluster } from './cluster.ts';
import type { Measured } from './usage.ts';

export type BenchPlatform = {
  readonly platform: Platform;
  readonly processes: readonly Measured[];
};

/** Starts the real roles on a cluster, each as its own process, with the settings that `steno up` has by default. */
export async function startBenchPlatform(
  cluster: BenchCluster,
  options: Pick<BenchOptions, 'projections' | 'profileDir'>,
  env: Readonly<Record<string, string>> = {},
): Promise<BenchPlatform> {
  const { projections, profileDir } = options;
  if (profileDir !== null) mkdirSync(profileDir, { recursive: true });
  const platform = await startPlatform({
    cluster,
    roles: ['processors', 'inference-worker', 'gateway', ...(projections ? ['projections'] : [])],
    env: {
      STENO_CACHE_DIR: CACHE_DIR,
      STENO_KAFKA_SESSION_MS: '10000',
      ...(profileDir === null
        ? {}
        : { NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=500 --cpu-prof-dir=${profileDir}` }),
      ...env,
    },
  });
  const processes = platform.roles.map(({ name, pid, health }) => ({
    name,
    pid,
    metricsUrl: `${health}/metrics`,
  }));
  return { platform, processes };
}
