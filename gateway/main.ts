import { findModel } from '../inference-workers/models/catalogue.ts';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { CONVERSATIONS_FILE, openConversationQueries } from '../projections/conversations/queries.ts';
import { runRole } from '../runtime/run-role.ts';
import { readVersion } from '../runtime/version.ts';
import { openReader } from '../storage/sqlite/open-database.ts';
import { connectEvents } from '../streams/kafka/connect.ts';
import { datasets, topicName } from '../streams/topics.ts';
import { startGateway } from './start.ts';
import { readTokenSecret } from './token-secret.ts';

await runRole(
  'gateway',
  async (context) => {
    const { config } = context;
    const { catalogue, defaultModel, pools } = await configuredModels(config);
    return startGateway({
      context,
      events: await connectEvents(config, 'gateway', pools),
      topics: {
        conversations: topicName(config.topicPrefix, datasets.conversations),
        deltas: topicName(config.topicPrefix, datasets.inferenceDeltas),
      },
      deltaPartitions: datasets.inferenceDeltas.partitions,
      conversationPartitions: datasets.conversations.partitions,
      models: {
        resolve: (name) => (name === null ? defaultModel : findModel(catalogue, name)),
        list: () => catalogue.models,
      },
      queries: openConversationQueries(openReader(`${config.dataDir}/${CONVERSATIONS_FILE}`)),
      tokenSecret: readTokenSecret(config),
      version: readVersion(),
    });
  },
  { servesHealth: true },
);
