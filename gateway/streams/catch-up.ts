import type { EventLog } from '../../streams/event-log.ts';
import type { Batch, Follower } from '../../streams/log.ts';
import { dispatch } from './dispatch.ts';
import type { ReplyTail } from './reply-tail.ts';
import type { StreamReader } from './stream-reader.ts';

/** Reads reply partitions from the past, for resumes: one position per partition, shared by all its readers. */
export interface CatchUp {
  /** Hands the inference's records from the offset on to the reader, until released. */
  follow(reader: StreamReader, partition: number, from: number): void;
  release(reader: StreamReader): void;
  stop(): Promise<void>;
}

/** `next`: offset of the next record this reader needs. It is served while the shared position is not past that. */
type Follow = { readonly reader: StreamReader; next: number };

type Shared = {
  readonly follows: Map<string, Follow[]>;
  /** Offset of the next record that the shared reader sees; null before it is placed. */
  position: number | null;
  /** Lowest offset that a new reader asked for; null if none waits. */
  wanted: number | null;
};

/** Resumes that come together (a gateway died, its clients return) are served by one rewind. */
const GATHER_MS = 5;

export function createCatchUp(options: {
  readonly events: EventLog;
  readonly topic: string;
  /** Takes over readers that have reached it. */
  readonly tail: ReplyTail;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): CatchUp {
  const { events, topic, tail } = options;
  const partitions = new Map<number, Shared>();
  let follower: Follower | null = null;
  let stopped = false;
  /** Places are taken one after the other: an earlier one that comes late would undo a later one. */
  let placing = Promise.resolve();

  function open(): Follower {
    follower ??= events.log.openFollower({ name: 'catch-up', onBatch: take, onFailure: options.onFailure });
    return follower;
  }

  function take(batch: Batch): void | Promise<void> {
    const shared = partitions.get(batch.partition);
    if (shared === undefined || shared.position === null) return;
    const start = shared.position;
    const waiting = dispatch(batch, {
      events,
      isWanted: (inferenceId) => shared.follows.has(inferenceId),
      deliver(inferenceId, offset, event) {
        for (const follow of [...(shared.follows.get(inferenceId) ?? [])]) {
          if (start > follow.next || offset < follow.next) continue;
          follow.next = offset + 1;
          follow.reader.handle(event);
        }
      },
      onPoison: options.onPoison,
      isStopped: () => stopped,
    });
    if (waiting === undefined) return advance(batch, shared, start);
    return waiting.then(() => advance(batch, shared, start));
  }

  function advance(batch: Batch, shared: Shared, start: number): void {
    if (partitions.get(batch.partition) !== shared || shared.position !== start) return;
    shared.position = batch.nextOffset;
    const joined = batch.partition === tail.partition && batch.nextOffset >= tail.position();
    for (const follow of [...shared.follows.values()].flat()) {
      if (start > follow.next) continue;
      follow.next = Math.max(follow.next, batch.nextOffset);
      if (!joined) continue;
      drop(shared, follow.reader);
      tail.register(follow.reader, follow.next);
    }
    removeIfEmpty(batch.partition, shared);
  }

  async function place(partition: number, shared: Shared): Promise<void> {
    if (stopped || partitions.get(partition) !== shared || shared.wanted === null) return;
    const from = shared.wanted;
    shared.wanted = null;
    const reader = open();
    reader.remove(topic, partition);
    shared.position = from;
    await reader.add(topic, partition, from);
    // Nobody is left who reads it.
    if (partitions.get(partition) !== shared) reader.remove(topic, partition);
  }

  function failUnlessStopped(error: unknown): void {
    if (!stopped) options.onFailure(error);
  }

  function drop(shared: Shared, reader: StreamReader): void {
    const left = (shared.follows.get(reader.inferenceId) ?? []).filter((follow) => follow.reader !== reader);
    if (left.length === 0) shared.follows.delete(reader.inferenceId);
    else shared.follows.set(reader.inferenceId, left);
  }

  function removeIfEmpty(partition: number, shared: Shared): void {
    if (shared.follows.size > 0 || partitions.get(partition) !== shared) return;
    partitions.delete(partition);
    follower?.remove(topic, partition);
  }

  return {
    follow(reader, partition, from) {
      if (stopped) return;
      const shared: Shared = partitions.get(partition) ?? {
        follows: new Map<string, Follow[]>(),
        position: null,
        wanted: null,
      };
      partitions.set(partition, shared);
      const follow: Follow = { reader, next: from };
      shared.follows.set(reader.inferenceId, [...(shared.follows.get(reader.inferenceId) ?? []), follow]);
      if (shared.position !== null && shared.position <= from) return;
      const waits = shared.wanted !== null;
      shared.wanted = Math.min(shared.wanted ?? from, from);
      if (waits) return;
      setTimeout(() => {
        placing = placing.then(() => place(partition, shared)).catch(failUnlessStopped);
      }, GATHER_MS);
    },
    release(reader) {
      for (const [partition, shared] of [...partitions]) {
        drop(shared, reader);
        removeIfEmpty(partition, shared);
      }
    },
    async stop() {
      stopped = true;
      await follower?.stop();
    },
  };
}
