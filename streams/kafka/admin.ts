import { Admin } from '@platformatic/kafka';
import { StenoError } from '../../runtime/errors.ts';
import type { Cluster } from '../cluster.ts';
import type { TopicSettings } from '../log.ts';
import { readGroups } from './admin/groups.ts';
import { readLag } from './admin/lag.ts';
import { createTopic, diskUsage, readTopics, setConfigs } from './admin/topics.ts';
import { baseOptions, type KafkaOptions } from './connection.ts';

/** One member of a consumer group. */
export type GroupMember = { readonly id: string; readonly clientId: string };

/**
 * What an operator asks of a cluster. Every method throws StenoError: `broker_unreachable` (retryable) or
 * `admin_refused`, whose message says what was asked and what the broker answered.
 */
export interface KafkaAdmin extends Cluster {
  /** Topics whose names begin with `prefix`, by name, with the configs named. */
  listTopics(prefix: string, configNames: readonly string[]): Promise<readonly TopicSettings[]>;
  /** A topic that exists already is left as it is. */
  createTopic(topic: TopicSettings & { readonly replicas: number }): Promise<void>;
  /** Sets these configs of a topic and leaves its others alone. */
  setConfigs(topic: string, configs: Readonly<Record<string, string>>): Promise<void>;
  /** Bytes on disk by topic, replicas included, of the topics whose names begin with `prefix`. */
  diskUsage(prefix: string): Promise<ReadonlyMap<string, number>>;
  groupMembers(group: string): Promise<readonly GroupMember[]>;
  /** Members that have left already are no error. */
  removeMembers(group: string, memberIds: readonly string[]): Promise<void>;
}

/** Opens an administrator's connection. Throws StenoError `broker_unreachable` if no broker answers. */
export async function openKafkaAdmin(options: KafkaOptions): Promise<KafkaAdmin> {
  const admin = new Admin({ ...baseOptions(options, 'admin'), retries: 3 });

  async function ask<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw wrap(error, what, options.brokers);
    }
  }

  try {
    await ask('metadata', () => admin.metadata({ topics: [] }));
  } catch (error) {
    await admin.close();
    throw error;
  }

  return {
    listTopics: (prefix, configNames) => ask('list topics', () => readTopics(admin, prefix, configNames)),
    createTopic: (topic) => ask(`create topic ${topic.name}`, () => createTopic(admin, topic)),
    setConfigs: (topic, configs) => ask(`set configs of ${topic}`, () => setConfigs(admin, topic, configs)),
    diskUsage: (prefix) => ask('read disk usage', () => diskUsage(admin, prefix)),
    lag: (groupPrefix) => ask('read lag', () => readLag(admin, groupPrefix)),
    groups: (groupPrefix) => ask('read groups', () => readGroups(admin, groupPrefix)),
    groupMembers: (group) =>
      ask(`describe group ${group}`, async () => {
        const found = (await admin.describeGroups({ groups: [group] })).get(group);
        return [...(found?.members.values() ?? [])].map(({ id, clientId }) => ({ id, clientId }));
      }),
    removeMembers: (group, memberIds) =>
      ask(`remove members of ${group}`, async () => {
        // The client library takes an empty list for all members.
        await Promise.all(memberIds.map((memberId) => removeMember(admin, group, memberId)));
      }),
    close: () => ask('close', () => admin.close()),
  };
}

async function removeMember(admin: Admin, groupId: string, memberId: string): Promise<void> {
  try {
    await admin.removeMembersFromConsumerGroup({ groupId, members: [{ memberId }] });
  } catch (error) {
    if (!hasProblem(error, ['UNKNOWN_MEMBER_ID', 'GROUP_ID_NOT_FOUND'])) throw error;
  }
}

/** True if the error, or one that it wraps, is one of Kafka's errors named. */
function hasProblem(error: unknown, ids: readonly string[]): boolean {
  return problems(error).some((id) => ids.includes(id));
}

function wrap(error: unknown, what: string, brokers: readonly string[]): StenoError {
  const found = problems(error);
  if (found.length === 0) {
    return new StenoError('broker_unreachable', `no Kafka broker at ${brokers.join(', ')} answers: ${what}`, {
      retryable: true,
      fix: 'start it or set STENO_KAFKA_BROKERS',
      cause: error,
    });
  }
  return new StenoError(
    'admin_refused',
    `cannot ${what}: the broker answered ${[...new Set(found)].join(', ')}`,
    {
      fix: 'see the broker error named, and the rights of this user',
      cause: error,
    },
  );
}

/** Names of the Kafka errors in an error of the client library. */
function problems(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  const own = 'apiId' in error && typeof error.apiId === 'string' ? [error.apiId] : [];
  const nested = 'errors' in error && Array.isArray(error.errors) ? error.errors.flatMap(problems) : [];
  return [...own, ...nested, ...problems(error.cause)];
}
