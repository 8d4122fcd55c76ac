import type { TopicSettings } from '../../streams/log.ts';
import { topicConfigs, type Topic } from '../../streams/topics.ts';

/** What has to happen so that the broker has the topics of the catalogue. */
export type TopicAction =
  | { readonly kind: 'create'; readonly topic: TopicSettings }
  | { readonly kind: 'change'; readonly topic: string; readonly configs: readonly ConfigChange[] }
  /** Never done: it would break a promise. */
  | { readonly kind: 'refuse'; readonly topic: string; readonly reason: string };

export type ConfigChange = { readonly name: string; readonly from: string | null; readonly to: string };

/**
 * Compares the topics wanted with those that exist. Topics that nobody wants are left alone: they may hold what other
 * pools or versions wrote. A partition count is never changed, because a key's records would move to another partition.
 */
export function planTopics(
  wanted: readonly Topic[],
  existing: readonly TopicSettings[],
): readonly TopicAction[] {
  const found = new Map(existing.map((topic) => [topic.name, topic]));
  return wanted.flatMap((topic): readonly TopicAction[] => {
    const settings = settingsOf(topic);
    const current = found.get(topic.name);
    if (current === undefined) return [{ kind: 'create', topic: settings }];
    if (current.partitions !== settings.partitions) {
      const reason = `it has ${current.partitions} partitions, the catalogue says ${settings.partitions}: keyed topics are never repartitioned`;
      return [{ kind: 'refuse', topic: topic.name, reason }];
    }
    const configs = configChanges(settings.configs, current.configs);
    return configs.length === 0 ? [] : [{ kind: 'change', topic: topic.name, configs }];
  });
}

/** Returns a topic as it shall be on the broker. */
export function settingsOf(topic: Topic): TopicSettings {
  return { name: topic.name, partitions: topic.dataset.partitions, configs: topicConfigs(topic.dataset) };
}

/** Says an action in one line. */
export function describeAction(action: TopicAction): string {
  switch (action.kind) {
    case 'create':
      return `create topic ${action.topic.name} (${action.topic.partitions} partitions)`;
    case 'change': {
      const changes = action.configs.map(({ name, from, to }) => `${name} ${from ?? 'unset'} -> ${to}`);
      return `change topic ${action.topic}: ${changes.join(', ')}`;
    }
    case 'refuse':
      return `cannot change topic ${action.topic}: ${action.reason}`;
  }
}

function configChanges(
  wanted: Readonly<Record<string, string>>,
  current: Readonly<Record<string, string>>,
): readonly ConfigChange[] {
  return Object.entries(wanted).flatMap(([name, to]) => {
    const from = current[name] ?? null;
    return from === to ? [] : [{ name, from, to }];
  });
}
