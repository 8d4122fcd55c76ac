import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { configuredModels, type ConfiguredModels } from '../../inference-workers/models/configured-models.ts';
import { fetchModel } from '../../inference-workers/models/fetch-model.ts';
import { checkDisk, lockDataDir } from '../../infra/kafka/data-dir.ts';
import { markOf } from '../../runtime/process-mark.ts';
import { applyTopics } from '../../infra/topics/apply.ts';
import type { Config } from '../../runtime/config.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Progress } from '../../runtime/progress.ts';
import { kafkaOptions, withPlainKafka } from '../kafka-options.ts';
import { modelsDir } from '../../inference-workers/models/models-dir.ts';
import { removeRunState, type RunState } from '../run-state.ts';
import { checkKafka, checkRegistry } from './check-external.ts';
import { checkPort } from './check-port.ts';
import { startParts, type RunningParts } from './parts.ts';
import { startRoles, type RunningRoles } from './start-roles.ts';
import { openStateFile } from './state-file.ts';
import { stopOrphanRoles } from './stop-orphan-roles.ts';
import { together, unless } from './stop-request.ts';

export type SuperviseOptions = {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};

export type Installation = {
  readonly gateway: string;
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly models: ConfiguredModels;
};

/** Room for the first segments of logs and for read models. */
const DATA_BYTES = 200e6;

/**
 * Brings everything up, each step as soon as what it needs is there. What was started is deferred on `cleanup`, which
 * stops it in reverse order, also when a later step fails. Throws StenoError with cause and fix.
 */
export async function supervise(
  options: SuperviseOptions,
  cleanup: AsyncDisposableStack,
): Promise<Installation> {
  const { env, progress, logger, signal } = options;
  const { dataDir, topicPrefix } = options.config;
  const startedAt = new Date().toISOString();
  const lock = await lockDataDir(dataDir);
  cleanup.defer(() => lock.release());
  await checkPort(options.config.port, options.config.host);
  const models = await configuredModels(options.config);
  await stopOrphanRoles(dataDir, logger);
  await checkSpace(options.config, models);

  let phase: RunState['phase'] = 'starting';
  const held: { parts?: RunningParts; roles?: RunningRoles } = {};
  const readState = (): RunState => ({
    supervisor: markOf(process.pid),
    phase,
    startedAt,
    dataDir,
    topicPrefix,
    model: models.defaultModel.id,
    kafka:
      held.parts === undefined ? null : { brokers: [...held.parts.brokers], pid: held.parts.pids().kafka },
    registry:
      held.parts === undefined ? null : { url: held.parts.registryUrl, pid: held.parts.pids().registry },
    roles: held.roles?.roles.map((role) => role.state()) ?? [],
  });
  const state = openStateFile(readState, logger);
  cleanup.defer(() => state.remove());
  const endNow = (): void => {
    held.roles?.kill();
    held.parts?.kill();
    removeRunState(dataDir);
    lock.release();
  };
  process.on('exit', endNow);
  cleanup.defer(() => void process.off('exit', endNow));
  state.touch();

  const [started] = await together<[RunningParts, unknown]>(signal, [
    async (both) => {
      await checkExternal(options.config, both);
      held.parts = await startParts({ ...options, signal: both, onChange: () => state.touch() });
      cleanup.defer(held.parts.stop);
      state.touch();
      return held.parts;
    },
    (both) =>
      unless(both, fetchModel(models.defaultModel, { cacheDir: modelsDir(options.config), progress })),
  ]);
  const { brokers, registryUrl } = started;
  const isKafkaEmbedded = started.pids().kafka !== null;
  const config = isKafkaEmbedded ? withPlainKafka(options.config) : options.config;

  await unless(signal, applyVisibly({ config, brokers, registryUrl, pools: models.pools, progress }));

  const running = await startRoles({
    ...{ env, config, brokers, registryUrl, isKafkaEmbedded, progress, logger },
    onChange: () => state.touch(),
  });
  held.roles = running;
  cleanup.defer(running.stop);
  cleanup.defer(() => {
    phase = 'stopping';
    state.touch();
  });
  await unless(signal, running.ready);
  phase = 'ready';
  state.touch();
  const gateway = running.roles.map((role) => role.state()).find((role) => role.name === 'gateway')?.address;
  return { gateway: gateway ?? `http://${config.host}:${config.port}`, brokers, registryUrl, models };
}

async function checkSpace(config: Config, { defaultModel }: ConfiguredModels): Promise<void> {
  await checkDisk(config.dataDir, DATA_BYTES);
  const { fileName, sizeBytes, sources } = defaultModel;
  const isHere = fileName === null || existsSync(join(modelsDir(config), fileName));
  if (isHere || sources.some(({ kind }) => kind === 'path')) return;
  await checkDisk(modelsDir(config), sizeBytes ?? 0);
}

async function checkExternal(config: Config, signal: AbortSignal): Promise<void> {
  const { kafka, registry } = config;
  await unless(
    signal,
    Promise.all([
      kafka.brokers.length === 0 ? undefined : checkKafka(kafkaOptions(config, kafka.brokers)),
      registry.url === null ? undefined : checkRegistry(registry.url, registry.auth),
    ]),
  );
}

async function applyVisibly(options: {
  readonly config: Config;
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly pools: readonly string[];
  readonly progress: Progress;
}): Promise<void> {
  const { config, brokers, registryUrl, pools } = options;
  const step = options.progress.step('applying topics and schemas');
  let changes = 0;
  try {
    await applyTopics({
      kafka: kafkaOptions(config, brokers),
      registryUrl,
      registryAuth: config.registry.auth,
      prefix: config.topicPrefix,
      pools,
      replication: config.replication,
      onLine() {
        changes += 1;
        step.update(changes);
      },
    });
    step.finish(changes === 0 ? 'as they should be' : `${changes} changes`);
  } catch (error) {
    step.fail('see below');
    throw error;
  }
}
