import { hostname } from 'node:os';
import { runRole } from '../runtime/run-role.ts';
import { connectEvents } from '../streams/kafka/connect.ts';
import { datasets, requestTopic, TIERS, topicName } from '../streams/topics.ts';
import { createEngine } from './engines/create-engine.ts';
import { identify } from './identify.ts';
import { configuredModels } from './models/configured-models.ts';
import { fetchModel } from './models/fetch-model.ts';
import { modelsDir } from './models/models-dir.ts';
import { silentProgress } from '../runtime/progress.ts';
import { startWorker } from './start.ts';

await runRole('inference-worker', async (context) => {
  const { config, logger } = context;
  const { defaultModel: model, pools } = await configuredModels(config);
  const modelPath = await fetchModel(model, {
    cacheDir: modelsDir(config),
    progress: silentProgress,
  });
  const engine = createEngine(model, { modelPath, logger, threads: config.engineThreads });
  const events = await connectEvents(config, 'inference-worker', pools);
  const name = (dataset: keyof typeof datasets): string => topicName(config.topicPrefix, datasets[dataset]);
  return startWorker({
    context,
    events,
    engine,
    model: model.id,
    worker: identify(model, `${hostname()}-${process.pid}`),
    limits: { firstTokenMillis: model.firstTokenMs, tokenGapMillis: model.tokenGapMs },
    group: `${config.topicPrefix}-workers-${model.pool}`,
    requestTopics: TIERS.map((tier) => requestTopic(config.topicPrefix, model.pool, tier)),
    topics: {
      conversations: name('conversations'),
      deltas: name('inferenceDeltas'),
      turns: name('turns'),
      control: name('inferenceControl'),
      metrics: name('metrics'),
    },
    deadLetters: { topic: name('deadLetters'), partitions: datasets.deadLetters.partitions },
  });
});
