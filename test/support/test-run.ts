import { CACHE_DIR } from './cache-dir.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '../../infra/kafka/start-embedded.ts';
import { createTerminalProgress } from '../../cli/terminal-progress.ts';
import { createLogger } from '../../runtime/logger.ts';

/** What all integration and e2e files of one `npm test` share: one broker, one registry. */
export type TestRun = {
  /** Handed to every test process; how a test finds what is shared. */
  readonly env: Readonly<Record<string, string>>;
  /** Stops all that was started; safe to call twice. */
  stop(): Promise<void>;
};

/** Starts what integration and e2e tests share. Rejects, with nothing left running, when it cannot. */
export async function startTestRun(): Promise<TestRun> {
  const dataDir = await mkdtemp(join(tmpdir(), 'steno-test-'));
  const embedded = await startEmbedded({
    dataDir,
    cacheDir: CACHE_DIR,
    progress: createTerminalProgress(process.stderr),
    logger: createLogger({ role: 'test', level: 'warn' }),
    env: process.env,
    needKafka: true,
    needRegistry: true,
  });
  let stopping: Promise<void> | null = null;
  return {
    env: {
      STENO_TEST_BROKERS: embedded.broker?.address ?? '',
      STENO_TEST_REGISTRY: embedded.registry?.address ?? '',
    },
    stop() {
      stopping ??= embedded.stop().then(() => rm(dataDir, { recursive: true, force: true }));
      return stopping;
    },
  };
}
