import { userInfo } from 'node:os';
import { parseConfig, type Config } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { readVersion } from '../runtime/version.ts';
import type { Producer } from '../schemas/generated/types.ts';
import { connectRegistry } from '../schemas/registry.ts';
import { openEventLog, type EventLog } from '../streams/event-log.ts';
import { openKafkaLog } from '../streams/kafka/open-log.ts';
import { topicName, type Dataset } from '../streams/topics.ts';
import { clusterOf, findInstallation } from './installation.ts';
import { kafkaOptions } from './kafka-options.ts';
import { checkRegistry } from './up/check-external.ts';

/** One topic of what runs over the data directory, or of what is configured. */
export type InstalledLog = {
  readonly config: Config;
  readonly events: EventLog;
  readonly topic: string;
  readonly producer: Producer;
  /** Who changes something here, for the record. */
  readonly actor: string;
};

/** Runs `work` with a topic of an installation. Throws StenoError `not_running`. */
export async function withInstalledLog<Result>(
  dataset: Dataset,
  work: (installed: InstalledLog) => Promise<Result>,
): Promise<Result> {
  const config = parseConfig(processEnvironment());
  const installation = await findInstallation(config);
  const { brokers, registryUrl } = clusterOf(installation);
  const { auth } = config.registry;
  const topic = topicName(installation.topicPrefix, dataset);
  const log = await openKafkaLog(kafkaOptions(installation.config, brokers));
  try {
    await checkRegistry(registryUrl, auth);
    const registry = connectRegistry(registryUrl, auth);
    const events = await openEventLog(log, registry, registryUrl, [{ name: topic, dataset }]);
    const producer = { service: 'cli', version: readVersion() };
    return await work({ config, events, topic, producer, actor: `cli:${userInfo().username}` });
  } finally {
    await log.close();
  }
}
