import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../../infra/kafka/start-embedded.ts';
import { createLogger } from '../../runtime/logger.ts';
import { silentProgress } from '../../runtime/progress.ts';
import { CACHE_DIR } from '../../test/support/cache-dir.ts';
import type { TestCluster } from '../../test/support/cluster.ts';
import type { Measured } from './usage.ts';

export type BenchCluster = TestCluster & { readonly processes: readonly Measured[] };

/** Starts a broker and a registry of the bench's own, over a data directory that goes away with them. */
export async function startCluster(): Promise<BenchCluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'steno-bench-'));
  const embedded = await startEmbedded({
    dataDir,
    cacheDir: CACHE_DIR,
    progress: silentProgress,
    logger: createLogger({ role: 'bench', level: 'error' }),
    env: process.env,
    needKafka: true,
    needRegistry: true,
  });
  const { broker, registry } = embedded;
  const prefix = `b${randomBytes(4).toString('hex')}`;
  return {
    kafka: {
      brokers: [broker?.address ?? ''],
      clientId: prefix,
      tls: null,
      sasl: null,
      sessionMillis: 10_000,
      heartbeatMillis: 1_000,
    },
    registryUrl: registry?.address ?? '',
    prefix,
    processes: [{ name: 'broker', pid: broker?.pid ?? 0, metricsUrl: null }],
    async stop() {
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
