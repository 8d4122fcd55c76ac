import { setTimeout as pause } from 'node:timers/promises';
import { ListOffsetTimestamps, type Consumer } from '@platformatic/kafka';
import { errorMessage } from '../../runtime/errors.ts';

/** A topic that was made a moment ago is named by the brokers before they answer for it. */
const ATTEMPTS = 30;
const PAUSE_MS = 100;

/** Returns the first or next offset of the partitions named, in their order. Asks again for about three seconds. */
export async function readOffsets(
  consumer: Consumer,
  topic: string,
  which: 'earliest' | 'end',
  partitions: readonly number[],
): Promise<readonly number[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listOffsets(consumer, topic, which, partitions);
    } catch (error) {
      const hopeless = consumer.closed || errorMessage(error).includes('Unknown topic');
      if (hopeless || attempt >= ATTEMPTS) throw error;
    }
    await pause(PAUSE_MS);
    consumer.clearMetadata();
  }
}

async function listOffsets(
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
