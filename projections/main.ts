import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { runRole } from '../runtime/run-role.ts';
import { openDatabase } from '../storage/sqlite/open-database.ts';
import { connectEvents } from '../streams/kafka/connect.ts';
import { datasets, topicName } from '../streams/topics.ts';
import { CONVERSATIONS_FILE } from './conversations/queries.ts';
import { startProjections } from './start.ts';

/** A wait for a lock blocks the event loop: a step that meets one is made again instead. */
const BUSY_MILLIS = 20;

await runRole('projections', async (context) => {
  const { config } = context;
  const { pools } = await configuredModels(config);
  return startProjections({
    context,
    events: await connectEvents(config, 'projections', pools),
    topics: {
      conversations: topicName(config.topicPrefix, datasets.conversations),
      deadLetters: topicName(config.topicPrefix, datasets.deadLetters),
    },
    deadLetterPartitions: datasets.deadLetters.partitions,
    prefix: config.topicPrefix,
    database: openDatabase(`${config.dataDir}/${CONVERSATIONS_FILE}`, { busyMillis: BUSY_MILLIS }),
  });
});
