import { setTimeout as pause } from 'node:timers/promises';
import { StenoError } from '../../runtime/errors.ts';
import { connectRegistry, type Registry } from '../../schemas/registry.ts';
import { openKafkaAdmin, type KafkaAdmin } from '../../streams/kafka/admin.ts';
import type { KafkaOptions } from '../../streams/kafka/connection.ts';
import { allTopics, datasets, topicConfigs } from '../../streams/topics.ts';
import { inParallel } from './in-parallel.ts';
import { describeAction, planTopics, type TopicAction } from './plan.ts';
import { applySubjects, describeSubject, planSubjects, type SubjectAction } from './subjects.ts';

export type TopicsOptions = {
  readonly kafka: KafkaOptions;
  readonly registryUrl: string;
  readonly registryAuth: { readonly username: string; readonly password: string } | null;
  readonly prefix: string;
  readonly pools: readonly string[];
};

/** All that has to happen on broker and registry; both empty when they are as the catalogue says. */
export type Plan = { readonly topics: readonly TopicAction[]; readonly subjects: readonly SubjectAction[] };

/** Topics are created a few at a time: one controller does them one after the other anyway. */
const AT_ONCE = 4;
const VISIBLE_MS = 30_000;
const POLL_MS = 50;

/** Returns what `applyTopics` would do, one action each, and changes nothing. Throws as it does. */
export async function readPlan(options: TopicsOptions): Promise<Plan> {
  return withCluster(options, (admin, registry) => compare(options, admin, registry));
}

/**
 * Makes the broker's topics and the registry's subjects what the catalogue says; says each thing it did to `onLine`.
 * Nothing is changed at all if something has to be refused.
 *
 * @throws StenoError `broker_unreachable`, `registry_unreachable`, `topic_missing` (all retryable), `admin_refused`,
 * `topic_differs`, `schema_incompatible`
 */
export async function applyTopics(
  options: TopicsOptions & { readonly replication: number; readonly onLine: (text: string) => void },
): Promise<void> {
  await withCluster(options, async (admin, registry) => {
    const plan = await compare(options, admin, registry);
    const refused = plan.topics.filter(({ kind }) => kind === 'refuse');
    if (refused.length > 0) {
      throw new StenoError('topic_differs', refused.map(describeAction).join('; '), {
        fix: 'use another STENO_TOPIC_PREFIX, or move the topic away after copying what it holds',
      });
    }
    await Promise.all([
      inParallel(plan.topics, AT_ONCE, async (action) => {
        if (action.kind === 'create')
          await admin.createTopic({ ...action.topic, replicas: options.replication });
        if (action.kind === 'change') await admin.setConfigs(action.topic, newValues(action));
        options.onLine(describeAction(action));
      }),
      applySubjects(registry, plan.subjects, (action) => options.onLine(describeSubject(action))),
    ]);
    await waitUntilVisible(admin, options.prefix, plan.topics);
  });
}

/** A broker answers for a new topic only some time after the controller has made it. */
async function waitUntilVisible(
  admin: KafkaAdmin,
  prefix: string,
  actions: readonly TopicAction[],
): Promise<void> {
  const created = actions.flatMap((action) => (action.kind === 'create' ? [action.topic] : []));
  if (created.length === 0) return;
  const deadline = performance.now() + VISIBLE_MS;
  for (;;) {
    const found = new Map(
      (await admin.listTopics(`${prefix}.`, [])).map((topic) => [topic.name, topic.partitions]),
    );
    if (created.every(({ name, partitions }) => found.get(name) === partitions)) return;
    if (performance.now() > deadline) {
      throw new StenoError('topic_missing', 'the broker does not show the topics that were created', {
        retryable: true,
      });
    }
    await pause(POLL_MS);
  }
}

/** Says a plan, one line an action. */
export function describePlan(plan: Plan): readonly string[] {
  return [...plan.topics.map(describeAction), ...plan.subjects.map(describeSubject)];
}

async function compare(options: TopicsOptions, admin: KafkaAdmin, registry: Registry): Promise<Plan> {
  const wanted = allTopics(options.prefix, options.pools);
  const [existing, subjects] = await Promise.all([
    admin.listTopics(`${options.prefix}.`, Object.keys(topicConfigs(datasets.conversations))),
    planSubjects(registry, wanted),
  ]);
  return { topics: planTopics(wanted, existing), subjects };
}

async function withCluster<T>(
  options: TopicsOptions,
  work: (admin: KafkaAdmin, registry: Registry) => Promise<T>,
): Promise<T> {
  const admin = await openKafkaAdmin(options.kafka);
  try {
    return await work(admin, connectRegistry(options.registryUrl, options.registryAuth));
  } finally {
    await admin.close();
  }
}

function newValues(action: Extract<TopicAction, { kind: 'change' }>): Readonly<Record<string, string>> {
  return Object.fromEntries(action.configs.map(({ name, to }) => [name, to]));
}
