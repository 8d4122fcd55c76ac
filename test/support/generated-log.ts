import { applyTopics } from '../../infra/topics/apply.ts';
import { parseConfig } from '../../runtime/config.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { appendLog } from './append-log.ts';
import type { TestCluster } from './cluster.ts';
import { generateLog, type GenerateOptions } from './generate-log.ts';

/** Topics of their own on a cluster, to be filled with generated events. */
export type GeneratedLog = {
  /** Settings that name broker, registry and prefix. */
  readonly env: Readonly<Record<string, string>>;
  readonly events: EventLog;
  readonly topics: GenerateOptions['topics'];
  /** Appends a generated log and returns how many events it had, on all topics. */
  append(options: Omit<GenerateOptions, 'topics'>): Promise<number>;
};

/** Makes the topics and registers the schemas. The event log is the caller's to close. */
export async function openGeneratedLog(cluster: TestCluster): Promise<GeneratedLog> {
  const { kafka, registryUrl, prefix } = cluster;
  await applyTopics({
    kafka,
    registryUrl,
    registryAuth: null,
    prefix,
    pools: ['small'],
    replication: 1,
    onLine: () => undefined,
  });
  const env = {
    STENO_KAFKA_BROKERS: kafka.brokers.join(','),
    STENO_REGISTRY_URL: registryUrl,
    STENO_TOPIC_PREFIX: prefix,
    STENO_KAFKA_SESSION_MS: '2000',
  };
  const events = await connectEvents(parseConfig(env), 'generated', ['small']);
  const topics = {
    conversations: topicName(prefix, datasets.conversations),
    turns: topicName(prefix, datasets.turns),
  };
  return {
    env,
    events,
    topics,
    append: (options) => appendLog(events, generateLog({ ...options, topics })),
  };
}
