import { CACHE_DIR } from './cache-dir.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findJava } from '../../infra/kafka/parts/find-java.ts';
import { installParts } from '../../infra/kafka/parts/install-parts.ts';
import type { Service } from '../../infra/kafka/process/service.ts';
import { startBroker } from '../../infra/kafka/start-broker.ts';
import { startRegistry } from '../../infra/kafka/start-registry.ts';
import { createLogger } from '../../runtime/logger.ts';
import { silentProgress } from '../../runtime/progress.ts';
import type { TestCluster } from './cluster.ts';

/** A broker and a registry of this test file alone, to be killed and started again. */
export type OwnCluster = {
  readonly cluster: TestCluster;
  /** Kills the broker without warning; its disk stays. */
  readonly killBroker: () => Promise<void>;
  /** Starts it again at the same address. */
  readonly restartBroker: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

export async function startOwnCluster(): Promise<OwnCluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'steno-own-'));
  const cacheDir = CACHE_DIR;
  const logger = createLogger({ role: 'test', level: 'error' });
  const java = await findJava({ env: process.env, cacheDir, progress: silentProgress });
  const parts = await installParts({ cacheDir, java, env: process.env, progress: silentProgress });
  const shared = { parts, java, dataDir, logger };
  let broker: Service = await startBroker(shared);
  const registry = await startRegistry(shared);
  const port = Number(broker.address.split(':')[1]);
  const cluster: TestCluster = {
    kafka: {
      brokers: [broker.address],
      clientId: 'own',
      tls: null,
      sasl: null,
      sessionMillis: 2_000,
      heartbeatMillis: 300,
    },
    registryUrl: registry.address,
    prefix: 'own',
    stop: () => Promise.resolve(),
  };
  return {
    cluster,
    async killBroker() {
      broker.kill();
      await broker.exited;
    },
    async restartBroker() {
      broker = await startBroker({ ...shared, port });
    },
    async stop() {
      await registry.stop();
      await broker.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
