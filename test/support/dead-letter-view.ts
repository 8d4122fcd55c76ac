import { readDeadLetter, type DeadLetter } from '../../streams/dead-letters.ts';
import type { Log, RawRecord } from '../../streams/log.ts';

/** A dead letter as it was read, with the original bytes. */
export type SeenLetter = DeadLetter & { readonly value: Buffer };

/** Reads along in a topic of dead letters: every copy that lies there, in no order between partitions. */
export async function viewDeadLetters(
  log: Log,
  topic: string,
): Promise<{ readonly letters: readonly SeenLetter[]; stop(): Promise<void> }> {
  const letters: SeenLetter[] = [];
  const take = (record: RawRecord): void => {
    const letter = readDeadLetter(record);
    if (letter !== null) letters.push({ ...letter, value: record.value ?? Buffer.alloc(0) });
  };
  const follower = log.openFollower({
    name: 'dead-letter-view',
    onBatch: ({ records }) => records.forEach(take),
    onFailure: (error) => {
      throw error;
    },
  });
  const count = await log.partitionCount(topic);
  for (let partition = 0; partition < count; partition += 1) await follower.add(topic, partition, 'earliest');
  return { letters, stop: () => follower.stop() };
}
