import { join } from 'node:path';
import type { Engine } from '../../inference-workers/engine.ts';
import { createEngine, type EngineOptions } from '../../inference-workers/engines/create-engine.ts';
import { configuredModels } from '../../inference-workers/models/configured-models.ts';
import { fetchModel } from '../../inference-workers/models/fetch-model.ts';
import { createLogger } from '../../runtime/logger.ts';
import { silentProgress } from '../../runtime/progress.ts';
import { CACHE_DIR } from '../../test/support/cache-dir.ts';

/** Starts the engine of the default model in this process. `level`: what it logs. */
export async function startRealEngine(
  level: 'info' | 'error',
  options: Pick<EngineOptions, 'slots'> = {},
): Promise<Engine> {
  const { defaultModel } = await configuredModels({ modelsFile: null, model: null });
  const modelPath = await fetchModel(defaultModel, {
    cacheDir: join(CACHE_DIR, 'models'),
    progress: silentProgress,
  });
  const logger = createLogger({ role: 'bench', level });
  const engine = createEngine(defaultModel, { ...options, modelPath, logger, threads: null });
  await engine.start();
  return engine;
}
