import { CodecError } from '../../schemas/codec-error.ts';
import { isTerminal } from '../../streams/effective-end.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { isType } from '../../streams/event.ts';
import type { Batch, Follower } from '../../streams/log.ts';
import { refuse } from '../problems.ts';
import { recordedAnswerOf, type RecordedAnswer } from './recorded-answer.ts';

/** Reads single records of conversations: the ends of inferences. */
export interface RecordReader {
  /** Throws `unavailable` (retryable) after 5 s, `not_found` if the record is no end of the inference. */
  read(partition: number, offset: number, inferenceId: string): Promise<RecordedAnswer>;
  stop(): Promise<void>;
}

type Waiting = {
  readonly offset: number;
  readonly inferenceId: string;
  readonly resolve: (answer: RecordedAnswer) => void;
  readonly reject: (error: unknown) => void;
};

const PATIENCE_MS = 5_000;

/** The connection is opened with the first read; reads of one partition take turns. */
export function createRecordReader(options: {
  readonly events: EventLog;
  readonly topic: string;
  readonly onFailure: (error: unknown) => void;
}): RecordReader {
  const { events, topic } = options;
  const queues = new Map<number, Waiting[]>();
  let follower: Follower | null = null;

  async function take(batch: Batch): Promise<void> {
    const queue = queues.get(batch.partition) ?? [];
    const from = queue[0]?.offset;
    if (from === undefined || batch.nextOffset <= from) return;
    for (const waiting of [...queue]) {
      // The batch tells of the offsets it covers; whoever waits for another has the next turn.
      if (waiting.offset < from || waiting.offset >= batch.nextOffset) continue;
      queue.splice(queue.indexOf(waiting), 1);
      const record = batch.records.find((item) => item.offset === waiting.offset);
      try {
        if (record === undefined) throw refuse('not_found', 'the record of this answer is gone');
        waiting.resolve(await answerOf(record, waiting.inferenceId));
      } catch (error) {
        waiting.reject(error);
      }
    }
    next(batch.partition);
  }

  async function answerOf(
    record: Parameters<EventLog['decode']>[0],
    inferenceId: string,
  ): Promise<RecordedAnswer> {
    const event = await decode(record);
    if ((!isTerminal(event) && !isType(event, 'MessageRejected')) || event.data.inferenceId !== inferenceId) {
      throw refuse('not_found', 'the record is not the end of this answer');
    }
    if (isTerminal(event) && event.data.textBytes > 0 && event.data.content.text === null) {
      throw refuse('erased', 'this answer was erased');
    }
    return recordedAnswerOf(event);
  }

  async function decode(record: Parameters<EventLog['decode']>[0]): Promise<ReturnType<EventLog['decode']>> {
    try {
      return events.decode(record);
    } catch (error) {
      if (!(error instanceof CodecError) || error.code !== 'unknown_schema_id' || error.schemaId === null)
        throw error;
      await events.learn(error.schemaId);
      return events.decode(record);
    }
  }

  function next(partition: number): void {
    follower?.remove(topic, partition);
    const [first] = queues.get(partition) ?? [];
    if (first === undefined) {
      queues.delete(partition);
      return;
    }
    follower ??= events.log.openFollower({
      name: 'record-reader',
      onBatch: take,
      onFailure: options.onFailure,
    });
    follower.add(topic, partition, first.offset).catch((error: unknown) => {
      const failed = queues.get(partition) ?? [];
      queues.delete(partition);
      for (const waiting of failed)
        waiting.reject(refuse('unavailable', 'the log does not answer', { cause: error }));
    });
  }

  return {
    read(partition, offset, inferenceId) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          const queue = queues.get(partition);
          queue?.splice(0, queue.length, ...queue.filter((item) => item !== waiting));
          if (queue?.length === 0) next(partition);
          reject(refuse('unavailable', 'the log does not answer in time'));
        }, PATIENCE_MS);
        const waiting: Waiting = {
          offset,
          inferenceId,
          resolve(answer) {
            clearTimeout(timer);
            resolve(answer);
          },
          reject(error) {
            clearTimeout(timer);
            // Whatever the adapter threw is this reader's to explain.
            reject(error instanceof Error ? error : new Error(String(error)));
          },
        };
        const queue = queues.get(partition);
        if (queue !== undefined) {
          queue.push(waiting);
          return;
        }
        queues.set(partition, [waiting]);
        next(partition);
      });
    },
    async stop() {
      await follower?.stop();
    },
  };
}
