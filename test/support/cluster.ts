import { CACHE_DIR } from './cache-dir.ts';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../../infra/kafka/start-embedded.ts';
import { createLogger } from '../../runtime/logger.ts';
import type { KafkaOptions } from '../../streams/kafka/connection.ts';

/** A real broker and registry, with topic and group names that no other test file has. */
export type TestCluster = {
  readonly kafka: KafkaOptions;
  readonly registryUrl: string;
  readonly prefix: string;
  stop(): Promise<void>;
};

const SILENT_STEP = { update: () => undefined, finish: () => undefined, fail: () => undefined };

/**
 * Returns the broker and registry of the test run (STENO_TEST_BROKERS and STENO_TEST_REGISTRY), or starts some of its
 * own, which `stop` stops.
 */
export async function testCluster(): Promise<TestCluster> {
  const prefix = `t${randomBytes(4).toString('hex')}`;
  const brokers = process.env['STENO_TEST_BROKERS'];
  const registryUrl = process.env['STENO_TEST_REGISTRY'];
  if (brokers !== undefined && registryUrl !== undefined) {
    return {
      kafka: kafkaOptions(brokers.split(','), prefix),
      registryUrl,
      prefix,
      stop: () => Promise.resolve(),
    };
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'steno-test-'));
  const embedded = await startEmbedded({
    dataDir,
    cacheDir: CACHE_DIR,
    progress: { step: () => SILENT_STEP, line: () => undefined },
    logger: createLogger({ role: 'test', level: 'error' }),
    env: process.env,
    needKafka: true,
    needRegistry: true,
  });
  const { broker, registry } = embedded;
  if (broker === undefined || registry === undefined)
    throw new Error('the embedded broker or registry is missing');
  return {
    kafka: kafkaOptions([broker.address], prefix),
    registryUrl: registry.address,
    prefix,
    async stop() {
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function kafkaOptions(brokers: readonly string[], prefix: string): KafkaOptions {
  return { brokers, clientId: prefix, tls: null, sasl: null, sessionMillis: 2_000, heartbeatMillis: 300 };
}
