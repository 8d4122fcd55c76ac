import { parseConfig, type Config } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import type { Producer } from '../schemas/generated/types.ts';
import { connectRegistry } from '../schemas/registry.ts';
import { openEventLog, type EventLog } from '../streams/event-log.ts';
import { openKafkaLog } from '../streams/kafka/open-log.ts';
import { topicName, type Dataset } from '../streams/topics.ts';
import { commandLineActor, commandLineProducer } from './command-line-actor.ts';
import { clusterOf, findInstallation } from './installation.ts';
import { kafkaOptions } from './kafka-options.ts';
import { checkRegistry } from './up/check-external.ts';

/** Topics of what runs over the data directory, or of what is configured. */
type InstalledTopics = {
  readonly config: Config;
  readonly events: EventLog;
  readonly topicOf: (dataset: Dataset) => string;
  readonly producer: Producer;
  /** Who changes something here, for the record. */
  readonly actor: string;
};

/** One of them. */
export type InstalledLog = InstalledTopics & { readonly topic: string };

/** Runs `work` with a topic of an installation. Throws StenoError `not_running`. */
export async function withInstalledLog<Result>(
  dataset: Dataset,
  work: (installed: InstalledLog) => Promise<Result>,
): Promise<Result> {
  return withInstalledTopics([dataset], (installed) =>
    work({ ...installed, topic: installed.topicOf(dataset) }),
  );
}

/** The same with several. */
export async function withInstalledTopics<Result>(
  wanted: readonly Dataset[],
  work: (installed: InstalledTopics) => Promise<Result>,
): Promise<Result> {
  const config = parseConfig(processEnvironment());
  const installation = await findInstallation(config);
  const { brokers, registryUrl } = clusterOf(installation);
  const { auth } = config.registry;
  const topicOf = (dataset: Dataset): string => topicName(installation.topicPrefix, dataset);
  const log = await openKafkaLog(kafkaOptions(installation.config, brokers));
  try {
    await checkRegistry(registryUrl, auth);
    const registry = connectRegistry(registryUrl, auth);
    const events = await openEventLog(
      log,
      registry,
      registryUrl,
      wanted.map((dataset) => ({ name: topicOf(dataset), dataset })),
    );
    const who = { producer: commandLineProducer(), actor: commandLineActor() };
    return await work({ config, events, topicOf, ...who });
  } finally {
    await log.close();
  }
}
