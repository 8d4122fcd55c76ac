import { findModel } from '../../inference-workers/models/catalogue.ts';
import { configuredModels } from '../../inference-workers/models/configured-models.ts';
import { StenoError } from '../../runtime/errors.ts';
import type { Progress } from '../../runtime/progress.ts';
import { clusterOf, type Installation } from '../installation.ts';
import { rolePrograms } from '../roles.ts';
import { roleEnvironment } from '../up/roles/role-environment.ts';
import { openRoleLog } from '../up/roles/role-log.ts';
import { startRoleProcess } from '../up/roles/role-process.ts';

/** A worker that answers the model `scripted`, for as long as the demonstration runs. */
export interface ScriptedWorker {
  stop(): Promise<void>;
  kill(): void;
}

const ROLE = 'inference-worker';
const NOBODY: ScriptedWorker = { stop: () => Promise.resolve(), kill: () => undefined };

/**
 * Starts such a worker as a process of its own and resolves when it is ready; starts none where the installation's own
 * one is such. Throws StenoError `no_scripted_model`, `not_running` or what made the worker fail.
 */
export async function startScriptedWorker(
  installation: Installation,
  env: Readonly<Record<string, string | undefined>>,
  progress: Progress,
): Promise<ScriptedWorker> {
  const { config, state, topicPrefix, isKafkaEmbedded } = installation;
  const { catalogue } = await configuredModels({ ...config, model: null });
  const model = findModel(catalogue, 'scripted');
  if (model?.engine !== 'scripted') {
    throw new StenoError('no_scripted_model', 'the model catalogue has no model "scripted"', {
      fix: 'add that entry of inference-workers/models/catalogue.json to the file of STENO_MODELS_FILE',
    });
  }
  if (state?.model === model.id) return NOBODY;
  const { brokers, registryUrl } = clusterOf(installation);
  const entry = rolePrograms.find(({ name }) => name === ROLE)?.entry ?? '';
  const log = await openRoleLog(config.dataDir, 'demo-worker', (text) => progress.line(text));
  const ready = Promise.withResolvers<null>();
  const worker = startRoleProcess({
    entry,
    logFile: log.path,
    env: {
      ...roleEnvironment({ env, config, brokers, registryUrl, isKafkaEmbedded }, null),
      ...{ STENO_MODEL: model.id, STENO_TOPIC_PREFIX: topicPrefix },
    },
    onReady: () => ready.resolve(null),
  });
  const step = progress.step('starting a scripted worker');
  const exited = worker.exited.then(() => 'exited' as const);
  if ((await Promise.race([ready.promise, exited])) === 'exited') {
    const failure = log.takeFailure();
    log.close();
    step.fail('see below');
    throw new StenoError(
      failure?.code ?? 'role_failed',
      `the scripted worker did not start: ${failure?.reason ?? 'it ended without saying why'}`,
      { fix: failure?.fix ?? `read ${log.path}` },
    );
  }
  step.finish('ready');
  return {
    async stop() {
      const stopping = progress.step('stopping the scripted worker');
      await worker.stop();
      log.close();
      stopping.finish();
    },
    kill: () => worker.kill(),
  };
}
