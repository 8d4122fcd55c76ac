import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { runRole } from '../runtime/run-role.ts';
import { PROJECTIONS_FOLDER } from '../storage/generations.ts';
import { openGenerationStore } from '../storage/sqlite/generations.ts';
import { connectEvents } from '../streams/kafka/connect.ts';
import { streamTelemetry } from '../streams/telemetry.ts';
import { startProjections } from './start.ts';

/** A wait for a lock blocks the event loop: a step that meets one is made again instead. */
const BUSY_MILLIS = 20;

await runRole('projections', async (context) => {
  const { config } = context;
  const { pools } = await configuredModels(config);
  return startProjections({
    context,
    events: await connectEvents(config, 'projections', pools, streamTelemetry(context)),
    store: openGenerationStore(`${config.dataDir}/${PROJECTIONS_FOLDER}`, { busyMillis: BUSY_MILLIS }),
  });
});
