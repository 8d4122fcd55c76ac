import { join } from 'node:path';
import { configuredModels } from '../../inference-workers/models/configured-models.ts';
import { parseConfig, type Config } from '../../runtime/config.ts';
import { processEnvironment } from '../../runtime/environment.ts';
import { PROJECTIONS_FOLDER, type GenerationStore } from '../../storage/generations.ts';
import { openGenerationStore } from '../../storage/sqlite/generations.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { clusterOf, findInstallation } from '../installation.ts';

/** The log and the read models of an installation, with the settings that reach them. */
export type OpenInstallation = {
  readonly config: Config;
  readonly pools: readonly string[];
  readonly events: EventLog;
  /** Folder of the read models. */
  readonly folder: string;
  readonly store: GenerationStore;
};

/** Opens what runs over the data directory, or what is configured. Throws StenoError `not_running`. */
export async function openInstallation(): Promise<OpenInstallation> {
  const installation = await findInstallation(parseConfig(processEnvironment()));
  const { brokers, registryUrl } = clusterOf(installation);
  const found = installation.config;
  const config: Config = {
    ...found,
    topicPrefix: installation.topicPrefix,
    kafka: { ...found.kafka, brokers },
    registry: { ...found.registry, url: registryUrl },
  };
  const { pools } = await configuredModels(config);
  const folder = join(config.dataDir, PROJECTIONS_FOLDER);
  return {
    config,
    pools,
    events: await connectEvents(config, 'projections-cli', pools),
    folder,
    store: openGenerationStore(folder),
  };
}
