import type { Engine } from '../../inference-workers/engine.ts';
import { createEngine } from '../../inference-workers/engines/create-engine.ts';
import type { ModelEntry } from '../../inference-workers/models/catalogue.ts';
import { fetchModel } from '../../inference-workers/models/fetch-model.ts';
import { modelsDir } from '../../inference-workers/models/models-dir.ts';
import type { Config } from '../../runtime/config.ts';
import { processEnvironment, readSecret } from '../../runtime/environment.ts';
import { createLogger } from '../../runtime/logger.ts';
import type { Progress } from '../../runtime/progress.ts';

/** Fetches what a model needs and builds its engine for a command: one answer at a time, not started. Throws as `fetchModel`. */
export async function commandEngine(
  entry: ModelEntry,
  options: { readonly role: string; readonly config: Config; readonly progress: Progress },
): Promise<Engine> {
  const { role, config, progress } = options;
  return createEngine(entry, {
    modelPath: await fetchModel(entry, { cacheDir: modelsDir(config), progress }),
    logger: createLogger({ role, level: 'error' }),
    threads: config.engineThreads,
    secret: (name) => readSecret(processEnvironment(), name),
    slots: 1,
  });
}
