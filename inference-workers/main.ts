import { hostname } from 'node:os';
import { processEnvironment, readSecret } from '../runtime/environment.ts';
import { createExternalCalls } from '../runtime/external-call.ts';
import { runRole } from '../runtime/run-role.ts';
import { connectEvents } from '../streams/kafka/connect.ts';
import { workersGroup } from '../streams/groups.ts';
import { streamTelemetry } from '../streams/telemetry.ts';
import { datasets, requestTopic, TIERS, topicName } from '../streams/topics.ts';
import { createEngine } from './engines/create-engine.ts';
import { identify } from './identify.ts';
import { configuredModels } from './models/configured-models.ts';
import { fetchModel } from './models/fetch-model.ts';
import { modelsDir } from './models/models-dir.ts';
import { silentProgress } from '../runtime/progress.ts';
import { startWorker } from './start.ts';

await runRole('inference-worker', async (context) => {
  const { config, logger, metrics } = context;
  const { catalogue, defaultModel: model, pools } = await configuredModels(config);
  const modelPath = await fetchModel(model, {
    cacheDir: modelsDir(config),
    progress: silentProgress,
  });
  const secret = (name: string): string | null => readSecret(processEnvironment(), name);
  const calls = createExternalCalls(metrics);
  const engine = createEngine(model, { modelPath, logger, threads: config.engineThreads, calls, secret });
  const events = await connectEvents(config, 'inference-worker', pools, streamTelemetry(context));
  const name = (dataset: keyof typeof datasets): string => topicName(config.topicPrefix, datasets[dataset]);
  return startWorker({
    context,
    events,
    engine,
    model: model.id,
    models: catalogue.models,
    worker: identify(model, `${hostname()}-${process.pid}`),
    limits: { firstTokenMillis: model.firstTokenMs, tokenGapMillis: model.tokenGapMs },
    group: workersGroup(config.topicPrefix, model.pool),
    requestTopics: TIERS.map((tier) => requestTopic(config.topicPrefix, model.pool, tier)),
    topics: {
      conversations: name('conversations'),
      deltas: name('inferenceDeltas'),
      turns: name('turns'),
      answers: name('answers'),
      requests: (pool, tier) => requestTopic(config.topicPrefix, pool, tier),
      control: name('inferenceControl'),
      metrics: name('metrics'),
    },
    deadLetters: { topic: name('deadLetters'), partitions: datasets.deadLetters.partitions },
  });
});
