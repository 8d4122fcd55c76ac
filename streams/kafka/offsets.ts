import { ListOffsetTimestamps, type Consumer } from '@platformatic/kafka';

/** Returns the first or next offset of the partitions named, in their order. */
export async function readOffsets(
  consumer: Consumer,
  topic: string,
  which: 'earliest' | 'end',
  partitions: readonly number[],
): Promise<readonly number[]> {
  const found = await consumer.listOffsets({
    topics: [topic],
    partitions: { [topic]: [...partitions] },
    timestamp: which === 'earliest' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST,
    isolationLevel: 0,
  });
  const offsets = found.get(topic) ?? [];
  // A sparse list, by partition number.
  return partitions.map((partition) => Number(offsets[partition] ?? 0n));
}
