import { configuredModels } from '../../inference-workers/models/configured-models.ts';
import { parseConfig } from '../../runtime/config.ts';
import { processEnvironment } from '../../runtime/environment.ts';
import { StenoError } from '../../runtime/errors.ts';
import { connectRegistry } from '../../schemas/registry.ts';
import { openEventLog, type EventLog } from '../../streams/event-log.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import type { Log } from '../../streams/log.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { endWithReader } from '../end-with-reader.ts';
import { clusterOf, findInstallation } from '../installation.ts';
import { kafkaOptions } from '../kafka-options.ts';
import { recordLook, type CommandLook } from '../look-at.ts';
import { onStopRequest } from '../on-stop-request.ts';
import { findTopic } from '../tail/find-topic.ts';
import { checkRegistry } from '../up/check-external.ts';

/** The dead letters of an installation, and what is needed to read and return them. */
export type OpenDeadLetters = {
  readonly log: Log;
  readonly topic: string;
  readonly prefix: string;
  /** Full name of a topic that a person names. Throws StenoError `unknown_topic`. */
  readonly topicNamed: (name: string) => string;
  /** Decodes with the schemas of today. Throws StenoError `registry_unreachable`. */
  readonly events: () => Promise<EventLog>;
  /** Puts on the log that somebody looks: to be awaited before anything is shown. Throws as EventAppender.append does. */
  readonly record: (look: CommandLook) => Promise<void>;
  readonly signal: AbortSignal;
  readonly close: () => Promise<void>;
};

/** Opens those of what runs over the data directory, or of what is configured. Throws StenoError `not_running`. */
export async function openDeadLetters(): Promise<OpenDeadLetters> {
  const stopping = new AbortController();
  onStopRequest(() => stopping.abort(new StenoError('stopped', 'stopped')));
  endWithReader();
  const config = parseConfig(processEnvironment());
  const installation = await findInstallation(config);
  const { brokers, registryUrl } = clusterOf(installation);
  const { pools } = await configuredModels(config);
  const prefix = installation.topicPrefix;
  const auditTopic = topicName(prefix, datasets.audit);
  const log = await openKafkaLog(kafkaOptions(installation.config, brokers));
  let events: Promise<EventLog> | null = null;
  const connect = async (): Promise<EventLog> => {
    const { auth } = config.registry;
    await checkRegistry(registryUrl, auth);
    // Every schema is asked for by its id: also one that this version does not write.
    const topics = [{ name: auditTopic, dataset: datasets.audit }];
    return openEventLog(log, connectRegistry(registryUrl, auth), registryUrl, topics);
  };
  const open = (): Promise<EventLog> => (events ??= connect());
  return {
    log,
    prefix,
    topic: topicName(prefix, datasets.deadLetters),
    topicNamed: (name) => findTopic(name, prefix, pools).name,
    events: open,
    record: async (look) => recordLook(await open(), auditTopic, look),
    signal: stopping.signal,
    close: () => log.close(),
  };
}
