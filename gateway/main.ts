import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { CONVERSATIONS, openConversationQueries } from '../projections/conversations/queries.ts';
import { openUsageQueries, USAGE } from '../projections/usage/queries.ts';
import { runRole } from '../runtime/run-role.ts';
import { readVersion } from '../runtime/version.ts';
import { PROJECTIONS_FOLDER } from '../storage/generations.ts';
import { openCurrentReader } from '../storage/sqlite/current-reader.ts';
import { openGenerationStore } from '../storage/sqlite/generations.ts';
import { openKafkaAdmin } from '../streams/kafka/admin.ts';
import { connectEvents, kafkaOptions } from '../streams/kafka/connect.ts';
import { streamTelemetry } from '../streams/telemetry.ts';
import { datasets } from '../streams/topics.ts';
import { directoryOf } from './models.ts';
import { startGateway } from './start.ts';
import { readKeyPepper, readTokenSecret } from './secrets.ts';
import { gatewayTopics } from './topics.ts';

await runRole(
  'gateway',
  async (context) => {
    const { config } = context;
    const { catalogue, defaultModel, pools } = await configuredModels(config);
    const readModels = openGenerationStore(`${config.dataDir}/${PROJECTIONS_FOLDER}`);
    return startGateway({
      context,
      events: await connectEvents(config, 'gateway', pools, streamTelemetry(context)),
      openCluster: () => openKafkaAdmin(kafkaOptions(config, `${config.topicPrefix}-gateway-${process.pid}`)),
      topics: gatewayTopics(config.topicPrefix),
      deltaPartitions: datasets.inferenceDeltas.partitions,
      conversationPartitions: datasets.conversations.partitions,
      catalogue: {
        default: defaultModel.id,
        demoAliases: catalogue.demoAliases,
        models: Object.fromEntries(catalogue.models.map((model) => [model.id, model])),
      },
      models: directoryOf(catalogue.models, defaultModel, catalogue.demoAliases),
      queries: openConversationQueries(
        openCurrentReader(readModels.of(CONVERSATIONS.name, CONVERSATIONS.version)),
      ),
      usage: openUsageQueries(openCurrentReader(readModels.of(USAGE.name, USAGE.version))),
      currency: defaultModel.price.currency,
      tokenSecret: readTokenSecret(config),
      keyPepper: readKeyPepper(config),
      version: readVersion(),
    });
  },
  { servesHealth: true },
);
