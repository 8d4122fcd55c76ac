import { ConfigResourceTypes, IncrementalAlterConfigOperationTypes, type Admin } from '@platformatic/kafka';
import type { TopicSettings } from '../../log.ts';

/** Returns the topics whose names begin with `prefix`, by name. A config the broker does not know is left out. */
export async function readTopics(
  admin: Admin,
  prefix: string,
  configNames: readonly string[],
): Promise<readonly TopicSettings[]> {
  const names = (await admin.listTopics()).filter((name) => name.startsWith(prefix)).sort();
  if (names.length === 0) return [];
  const [metadata, configs] = await Promise.all([
    admin.metadata({ topics: [...names], forceUpdate: true }),
    configNames.length === 0 ? new Map<string, TopicConfigs>() : readConfigs(admin, names, configNames),
  ]);
  return names.map((name) => ({
    name,
    partitions: metadata.topics.get(name)?.partitionsCount ?? 0,
    configs: configs.get(name) ?? {},
  }));
}

/** Creates a topic unless it exists. */
export async function createTopic(
  admin: Admin,
  topic: TopicSettings & { readonly replicas: number },
): Promise<void> {
  try {
    await admin.createTopics({
      topics: [{ topic: topic.name, partitions: topic.partitions, replicas: topic.replicas }],
      configs: Object.entries(topic.configs).map(([name, value]) => ({ name, value })),
    });
  } catch (error) {
    if (!saysTopicExists(error)) throw error;
  }
}

export async function setConfigs(
  admin: Admin,
  topic: string,
  configs: Readonly<Record<string, string>>,
): Promise<void> {
  await admin.incrementalAlterConfigs({
    resources: [
      {
        resourceType: ConfigResourceTypes.TOPIC,
        resourceName: topic,
        configs: Object.entries(configs).map(([name, value]) => ({
          name,
          value,
          configOperation: IncrementalAlterConfigOperationTypes.SET,
        })),
      },
    ],
  });
}

/** Returns bytes on disk by topic, all replicas together. */
export async function diskUsage(admin: Admin, prefix: string): Promise<ReadonlyMap<string, number>> {
  const names = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
  if (names.length === 0) return new Map();
  const { topics } = await admin.metadata({ topics: [...names], forceUpdate: true });
  const asked = names.map((name) => ({
    name,
    partitions: [...Array(topics.get(name)?.partitionsCount ?? 0).keys()],
  }));
  const usage = new Map<string, number>(names.map((name) => [name, 0]));
  for (const { results } of await admin.describeLogDirs({ topics: asked })) {
    for (const topic of results.flatMap((result) => result.topics)) {
      const bytes = topic.partitions.reduce((sum, { partitionSize }) => sum + Number(partitionSize), 0);
      usage.set(topic.name, (usage.get(topic.name) ?? 0) + bytes);
    }
  }
  return usage;
}

type TopicConfigs = Readonly<Record<string, string>>;

async function readConfigs(
  admin: Admin,
  names: readonly string[],
  configNames: readonly string[],
): Promise<ReadonlyMap<string, TopicConfigs>> {
  const described = await admin.describeConfigs({
    resources: names.map((resourceName) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName,
      configurationKeys: [...configNames],
    })),
  });
  return new Map(
    described.map(({ resourceName, configs }) => [
      resourceName,
      Object.fromEntries(
        configs.flatMap(({ name, value }) => (typeof value === 'string' ? [[name, value]] : [])),
      ),
    ]),
  );
}

function saysTopicExists(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('apiId' in error && error.apiId === 'TOPIC_ALREADY_EXISTS') return true;
  return 'errors' in error && Array.isArray(error.errors) && error.errors.some(saysTopicExists);
}
