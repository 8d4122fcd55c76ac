import { ListOffsetTimestamps, type Admin } from '@platformatic/kafka';
import type { GroupLag } from '../../cluster.ts';
import type { TopicPartition } from '../../log.ts';

/** Returns the lag of every partition for which a group with this prefix committed an offset. */
export async function readLag(admin: Admin, groupPrefix: string): Promise<readonly GroupLag[]> {
  const groups = [...(await admin.listGroups()).keys()].filter((id) => id.startsWith(groupPrefix)).sort();
  if (groups.length === 0) return [];
  const committed = (await admin.listConsumerGroupOffsets({ groups })).flatMap(({ groupId, topics }) =>
    topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => ({
          group: groupId,
          topic: name,
          partition: partitionIndex,
          committed: Number(committedOffset),
        })),
    ),
  );
  const ends = await readEnds(admin, committed);
  return committed.flatMap((entry) => {
    const end = ends.get(`${entry.topic}/${entry.partition}`);
    // A topic that was deleted under the group has no end.
    return end === undefined ? [] : [{ ...entry, end }];
  });
}

async function readEnds(
  admin: Admin,
  wanted: readonly TopicPartition[],
): Promise<ReadonlyMap<string, number>> {
  const existing = new Set(await admin.listTopics());
  const byTopic = new Map<string, Set<number>>();
  for (const { topic, partition } of wanted) {
    if (existing.has(topic)) byTopic.set(topic, (byTopic.get(topic) ?? new Set()).add(partition));
  }
  if (byTopic.size === 0) return new Map();
  const found = await admin.listOffsets({
    isolationLevel: 0,
    topics: [...byTopic].map(([name, partitions]) => ({
      name,
      partitions: [...partitions].map((partitionIndex) => ({
        partitionIndex,
        timestamp: ListOffsetTimestamps.LATEST,
      })),
    })),
  });
  return new Map(
    found.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, offset }) => [`${name}/${partitionIndex}`, Number(offset)] as const),
    ),
  );
}
