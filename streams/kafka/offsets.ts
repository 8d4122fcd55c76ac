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
  const timestamp = which === 'earliest' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST;
  return askOften(consumer, () => listOffsets(consumer, topic, timestamp, partitions));
}

/** The same for the first record appended at or after `millis`; the next offset where there is none. */
export async function readOffsetsAt(
  consumer: Consumer,
  topic: string,
  millis: number,
  partitions: readonly number[],
): Promise<readonly number[]> {
  // The ends first: a record that is appended between the two questions is not passed over.
  const ends = await readOffsets(consumer, topic, 'end', partitions);
  const found = await askOften(consumer, () => listOffsets(consumer, topic, BigInt(millis), partitions));
  // Kafka answers -1 where no record is so young.
  return found.map((offset, index) => (offset < 0 ? (ends[index] ?? 0) : offset));
}

async function askOften<T>(consumer: Consumer, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
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
  timestamp: bigint,
  partitions: readonly number[],
): Promise<readonly number[]> {
  const found = await consumer.listOffsets({
    topics: [topic],
    partitions: { [topic]: [...partitions] },
    timestamp,
    isolationLevel: 0,
  });
  const offsets = found.get(topic) ?? [];
  // A sparse list, by partition number.
  return partitions.map((partition) => Number(offsets[partition] ?? 0n));
}
