import { StenoError } from '../runtime/errors.ts';
import { CodecError } from '../schemas/codec-error.ts';
import type { Position } from '../storage/row-store.ts';
import type { EventLog } from '../streams/event-log.ts';
import type { Batch, Follower, TopicPartition } from '../streams/log.ts';

const PATIENCE_MS = 5_000;

/** Tells whether a stored position is one of the log as it is now. */
export interface PositionVerifier {
  /**
   * Returns null if it is, else why not, as a stable word. Throws StenoError (retryable) if the log does not answer.
   */
  check(
    source: TopicPartition,
    position: Position,
  ): Promise<'another_topic' | 'beyond_end' | 'another_event' | null>;
  stop(): Promise<void>;
}

/** Compares topic id, end of the log, and the last event folded with what lies at its offset today. */
export function openPositionVerifier(
  events: EventLog,
  name: string,
  onFailure: (error: unknown) => void,
): PositionVerifier {
  const waiting = new Map<number, (batch: Batch) => void>();
  let follower: Follower | null = null;

  async function firstBatch({ topic, partition }: TopicPartition, offset: number): Promise<Batch> {
    follower ??= events.log.openFollower({
      name,
      onBatch: (batch) => waiting.get(batch.partition)?.(batch),
      onFailure,
    });
    const reader = follower;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Batch>((resolve, reject) => {
        timer = setTimeout(() => reject(silent(topic, partition)), PATIENCE_MS);
        waiting.set(partition, (batch) => {
          if (batch.nextOffset > offset) resolve(batch);
        });
        reader.add(topic, partition, offset).catch(reject);
      });
    } finally {
      clearTimeout(timer);
      waiting.delete(partition);
      reader.remove(topic, partition);
    }
  }

  return {
    async check(source, position) {
      if ((await events.log.topicId(source.topic)) !== position.topicId) return 'another_topic';
      const ends = await events.log.offsets(source.topic, 'end');
      if ((ends[source.partition] ?? 0) < position.next) return 'beyond_end';
      if (position.lastEventId === '' || position.next === 0) return null;
      const offset = position.next - 1;
      const record = (await firstBatch(source, offset)).records.find((found) => found.offset === offset);
      // A record that cannot be read was set aside when it was met: it is not the last one folded.
      if (record === undefined) return null;
      try {
        const { data } = events.decode(record);
        return 'eventId' in data && data.eventId !== position.lastEventId ? 'another_event' : null;
      } catch (error) {
        if (error instanceof CodecError) return null;
        throw error;
      }
    },
    async stop() {
      await follower?.stop();
    },
  };
}

function silent(topic: string, partition: number): StenoError {
  return new StenoError('log_unavailable', 'the log does not show the last record folded', {
    retryable: true,
    facts: { topic, partition },
  });
}
