import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { runRole } from '../runtime/run-role.ts';
import { readVersion } from '../runtime/version.ts';
import { openRowStore } from '../storage/sqlite/row-store.ts';
import { connectEvents } from '../streams/kafka/connect.ts';
import { prepareTurnGroup } from '../streams/groups.ts';
import { streamTelemetry } from '../streams/telemetry.ts';
import { datasets, requestTopic, topicName } from '../streams/topics.ts';
import { startPrepareTurn } from './prepare-turn/index.ts';

await runRole('processors', async (context) => {
  const { config } = context;
  const { catalogue, pools } = await configuredModels(config);
  const events = await connectEvents(config, 'processors', pools, streamTelemetry(context));
  const name = (dataset: keyof typeof datasets): string => topicName(config.topicPrefix, datasets[dataset]);
  return startPrepareTurn({
    context,
    events,
    store: openRowStore(`${config.dataDir}/processors/prepare-turn-v1.db`),
    group: prepareTurnGroup(config.topicPrefix),
    deadLetters: { topic: name('deadLetters'), partitions: datasets.deadLetters.partitions },
    rules: {
      models: new Map(
        catalogue.models.map(({ id, contextLength, deadlineMs }) => [
          id,
          { contextLength, deadlineMillis: deadlineMs },
        ]),
      ),
      maxCharacters: config.contextMaxCharacters,
      ttlMillis: config.contextTtlSeconds === null ? null : config.contextTtlSeconds * 1000,
      topics: {
        conversations: name('conversations'),
        deltas: name('inferenceDeltas'),
        turns: name('turns'),
        control: name('inferenceControl'),
        requests: (pool, tier) => requestTopic(config.topicPrefix, pool, tier),
      },
      producer: { service: 'prepare-turn', version: readVersion() },
    },
  });
});
