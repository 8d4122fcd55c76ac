import type { EventLog } from '../../streams/event-log.ts';
import { dispatch } from './dispatch.ts';
import type { StreamReader } from './stream-reader.ts';

/** Reads the gateway's own reply partition from its end, for every answer that streams through this gateway. */
export interface ReplyTail {
  readonly partition: number;
  /** Offset of the next record it reads: whatever is appended from now on lies at or after it. */
  position(): number;
  /** Hands the inference's records at or after the offset to the reader. */
  register(reader: StreamReader, from: number): void;
  release(reader: StreamReader): void;
  stop(): Promise<void>;
}

type Registered = { readonly reader: StreamReader; readonly from: number };

/** Opens the tail and waits until it is positioned. Throws as Follower.add does. */
export async function openReplyTail(options: {
  readonly events: EventLog;
  readonly topic: string;
  readonly partition: number;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Promise<ReplyTail> {
  const { events, topic, partition } = options;
  const readers = new Map<string, readonly Registered[]>();
  let next = 0;
  let stopped = false;
  const target = {
    events,
    isWanted: (inferenceId: string) => readers.has(inferenceId),
    deliver: (inferenceId: string, offset: number, event: Parameters<StreamReader['handle']>[0]) => {
      for (const { reader, from } of readers.get(inferenceId) ?? []) if (offset >= from) reader.handle(event);
    },
    onPoison: options.onPoison,
    isStopped: () => stopped,
  };
  const follower = events.log.openFollower({
    name: 'reply-tail',
    onBatch(batch) {
      const waiting = dispatch(batch, target);
      if (waiting === undefined) {
        next = batch.nextOffset;
        return;
      }
      return waiting.then(() => {
        next = batch.nextOffset;
      });
    },
    onFailure: options.onFailure,
  });
  next = Math.max(next, await follower.add(topic, partition, 'end'));

  return {
    partition,
    position: () => next,
    register(reader, from) {
      readers.set(reader.inferenceId, [...(readers.get(reader.inferenceId) ?? []), { reader, from }]);
    },
    release(reader) {
      const left = (readers.get(reader.inferenceId) ?? []).filter((item) => item.reader !== reader);
      if (left.length === 0) readers.delete(reader.inferenceId);
      else readers.set(reader.inferenceId, left);
    },
    async stop() {
      stopped = true;
      await follower.stop();
    },
  };
}
