import { Consumer } from '@platformatic/kafka';
import { StenoError } from '../../runtime/errors.ts';
import type { JoinOptions, Membership, TopicPartition } from '../log.ts';
import { baseOptions, type KafkaOptions } from './connection.ts';

const REJOIN_PAUSE_MS = 250;

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
  let owned: readonly TopicPartition[] = [];
  let startedAt = 0;
  let freshAt = 0;
  let left = false;
  let rejoining = false;

  for (const topic of join.topics) consumer.topics.track(topic);
  consumer.on('consumer:heartbeat:start', () => {
    startedAt = performance.now();
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
    const lost = difference(owned, next);
    const gained = difference(next, owned);
    owned = next;
    freshAt = performance.now();
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
      } catch {
        await new Promise((resolve) => setTimeout(resolve, REJOIN_PAUSE_MS));
      }
    }
    rejoining = false;
  }

  try {
    await consumer.joinGroup();
  } catch (error) {
    await consumer.close(true);
    throw new StenoError('group_join_failed', `cannot join the group ${join.group}`, {
      retryable: true,
      fix: 'see that the broker answers and allows the session time-out',
      cause: error,
    });
  }

  return {
    isFresh() {
      return !left && performance.now() - freshAt < options.sessionMillis;
    },
    async commit(offsets) {
      if (offsets.length === 0 || left) return;
      try {
        await consumer.commit({
          offsets: offsets.map(({ topic, partition, offset }) => ({
            topic,
            partition,
            offset: BigInt(offset),
            leaderEpoch: -1,
          })),
        });
      } catch (error) {
        throw new StenoError('commit_failed', 'the group did not take the offsets', { retryable: true, cause: error });
      }
    },
    async committed(partitions) {
      const byTopic = new Map<string, number[]>();
      for (const { topic, partition } of partitions) byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
      const found = await consumer.listCommittedOffsets({
        topics: [...byTopic].map(([topic, list]) => ({ topic, partitions: list })),
      });
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
      try {
        await consumer.leaveGroup(true);
      } catch {
        // The group forgets the member at its session time-out anyway.
      }
      await consumer.close(true);
    },
  };
}

function difference(left: readonly TopicPartition[], right: readonly TopicPartition[]): readonly TopicPartition[] {
  const keys = new Set(right.map((item) => `${item.topic}/${item.partition}`));
  return left.filter((item) => !keys.has(`${item.topic}/${item.partition}`));
}
