import { runRole } from '../../runtime/run-role.ts';
import { readVersion } from '../../runtime/version.ts';
import { sealerGroup } from '../../streams/groups.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { streamTelemetry } from '../../streams/telemetry.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { openSigningKey } from './audit-keys.ts';
import { sealedTopics } from './sealed-topics.ts';
import { startSealer } from './start.ts';

await runRole('sealer', async (context) => {
  const { config } = context;
  const { topicPrefix } = config;
  return startSealer({
    context,
    events: await connectEvents(config, 'sealer', [], streamTelemetry(context)),
    topic: topicName(topicPrefix, datasets.seals),
    sealed: sealedTopics((dataset) => topicName(topicPrefix, dataset)),
    group: sealerGroup(topicPrefix),
    key: openSigningKey(config),
    version: readVersion(),
  });
});
