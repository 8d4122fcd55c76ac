import { setTimeout as pause } from 'node:timers/promises';
import { Consumer } from '@platformatic/kafka';
import { StenoError } from '../../runtime/errors.ts';
import type { JoinOptions, Membership, TopicPartition } from '../log.ts';
import { baseOptions, type KafkaOptions } from './connection.ts';

const REJOIN_PAUSE_MS = 250;
const LEAVE_MS = 1_500;
const FIRST_JOIN_MS = 30_000;

type Identity = { readonly memberId: string | null; readonly generation: number };

/**
 * Joins a consumer group with the cooperative-sticky assignor, so that kept partitions are never interrupted. The
 * connection carries nothing but membership: no fetch can delay a heartbeat.
 */
export async function joinGroup(options: KafkaOptions, join: JoinOptions): Promise<Membership> {
  const consumer = new Consumer({
    ...baseOptions(options, join.group),
    groupId: join.group,
    retries: 3,
    sessionTimeout: options.sessionMillis,
    rebalanceTimeout: Math.max(options.sessionMillis, 5_000),
    heartbeatInterval: options.heartbeatMillis,
    protocols: [{ name: 'cooperative-sticky', version: 3 }],
  });
  // Commits travel on a connection of their own: a parked join must not delay them. And without retries: the library
  // would join anew under the hood and then send old offsets under the new generation.
  const committer = new Consumer({
    ...baseOptions(options, `${join.group}-commit`),
    groupId: join.group,
    retries: 0,
  });
  let owned: readonly TopicPartition[] = [];
  let identity: Identity = { memberId: null, generation: 0 };
  let startedAt = 0;
  let freshAt = 0;
  let left = false;
  let rejoining = false;

  for (const topic of join.topics) consumer.topics.track(topic);
  consumer.on('client:performWithRetry', (operation: string) => {
    // Freshness counts from when a request was sent: a process that slept meanwhile must not take an old answer for new.
    if (operation === 'heartbeat' || operation === 'syncGroup') startedAt = performance.now();
  });
  consumer.on('consumer:heartbeat:end', () => {
    freshAt = startedAt;
  });
  consumer.on('consumer:group:rebalance', adopt);
  consumer.on('consumer:group:join', adopt);
  consumer.on('consumer:heartbeat:stalled', () => void rejoin());
  consumer.on('error', () => {
    // A failed rejoin: the library schedules no further heartbeat.
    if (!consumer.isActive()) void rejoin();
  });

  function adopt(): void {
    const next = (consumer.assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    const { memberId, generationId: generation } = consumer;
    // Whoever comes back as another member, or missed a generation, owned nothing meanwhile: others may have read on.
    const kept = memberId === identity.memberId && generation <= identity.generation + 1;
    const lost = kept ? difference(owned, next) : owned;
    const gained = kept ? difference(next, owned) : next;
    identity = { memberId, generation };
    owned = next;
    freshAt = startedAt;
    if (lost.length > 0) join.onRevoked(lost);
    if (gained.length > 0) join.onAssigned(gained);
  }

  /** The membership is gone: give everything up, then join anew until the group takes us or we leave. */
  async function rejoin(): Promise<void> {
    if (rejoining || left) return;
    rejoining = true;
    while (!left) {
      const lost = owned;
      owned = [];
      consumer.assignments = null;
      if (lost.length > 0) join.onRevoked(lost);
      try {
        await consumer.joinGroup();
        break;
      } catch (error) {
        if (isHopeless(error)) return join.onFailure(error);
        await pause(REJOIN_PAUSE_MS);
      }
    }
    rejoining = false;
  }

  try {
    await joinFirst(consumer);
  } catch (error) {
    await Promise.all([consumer.close(true).catch(ignore), committer.close(true).catch(ignore)]);
    throw new StenoError('group_join_failed', `cannot join the group ${join.group}`, {
      retryable: true,
      fix: 'see that the broker answers and allows the session time-out',
      cause: error,
    });
  }

  return {
    isFresh() {
      const isMember =
        !left && !rejoining && consumer.memberId !== null && consumer.memberId === identity.memberId;
      return isMember && performance.now() - freshAt < options.sessionMillis;
    },
    async commit(offsets) {
      if (offsets.length === 0 || left) return;
      committer.memberId = identity.memberId;
      committer.generationId = identity.generation;
      try {
        await committer.commit({
          offsets: offsets.map(({ topic, partition, offset }) => ({
            topic,
            partition,
            offset: BigInt(offset),
            leaderEpoch: -1,
          })),
        });
      } catch (error) {
        throw new StenoError('commit_failed', 'the group did not take the offsets', {
          retryable: true,
          cause: error,
        });
      }
    },
    async committed(partitions) {
      const byTopic = new Map<string, number[]>();
      for (const { topic, partition } of partitions)
        byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
      let found;
      try {
        found = await committer.listCommittedOffsets({
          topics: [...byTopic].map(([topic, list]) => ({ topic, partitions: list })),
        });
      } catch (error) {
        throw new StenoError('offsets_unknown', 'the group does not tell its offsets', {
          retryable: true,
          cause: error,
        });
      }
      return partitions.flatMap(({ topic, partition }) => {
        const offset = Number(found.get(topic)?.[partition] ?? -1n);
        return offset < 0 ? [] : [{ topic, partition, offset }];
      });
    },
    async leave() {
      left = true;
      const lost = owned;
      owned = [];
      if (lost.length > 0) join.onRevoked(lost);
      // A join that is parked at the broker would delay the leave for the rebalance time-out.
      await Promise.race([leaveQuietly(consumer), pause(LEAVE_MS)]);
      await Promise.all([consumer.close(true).catch(ignore), committer.close(true).catch(ignore)]);
    },
  };
}

/** A broker that has just started does not know its groups yet: joining may take some time. */
async function joinFirst(consumer: Consumer): Promise<void> {
  const deadline = performance.now() + FIRST_JOIN_MS;
  for (;;) {
    try {
      await consumer.joinGroup();
      return;
    } catch (error) {
      if (performance.now() > deadline || isHopeless(error)) throw error;
    }
    await pause(REJOIN_PAUSE_MS);
  }
}

/** Kafka's answers to a join that no repetition changes. */
const HOPELESS: readonly string[] = [
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'GROUP_MAX_SIZE_REACHED',
  'FENCED_INSTANCE_ID',
];

function isHopeless(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('apiId' in error && typeof error.apiId === 'string' && HOPELESS.includes(error.apiId)) return true;
  return 'errors' in error && Array.isArray(error.errors) && error.errors.some(isHopeless);
}

function difference(
  left: readonly TopicPartition[],
  right: readonly TopicPartition[],
): readonly TopicPartition[] {
  const keys = new Set(right.map((item) => `${item.topic}/${item.partition}`));
  return left.filter((item) => !keys.has(`${item.topic}/${item.partition}`));
}

/** Never fails: the group forgets a member at its session time-out anyway. */
function leaveQuietly(consumer: Consumer): Promise<void> {
  return new Promise((resolve) => consumer.leaveGroup(true, () => resolve()));
}

/** What a close says changes nothing: the connections are gone either way. */
function ignore(): void {}
