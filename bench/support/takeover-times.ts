import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { parseConfig } from '../../runtime/config.ts';
import type { Platform } from '../../test/support/platform.ts';
import { readTopic } from '../../test/support/read-topic.ts';

/** When the steps of one takeover were on the log, by the broker's clock: milliseconds since 1970. */
export type TakeoverTimes = {
  /** Who answered when the process was lost. */
  readonly worker: string;
  readonly replyFence: number | null;
  readonly recordFence: number | null;
  readonly firstDelta: number | null;
};

/** Reads from the log what became of these inferences after a process was lost. */
export async function readTakeovers(
  platform: Platform,
  inferenceIds: ReadonlySet<string>,
  lostAt: number,
): Promise<ReadonlyMap<string, TakeoverTimes>> {
  const events = await connectEvents(parseConfig(platform.env), 'bench', ['scripted']);
  try {
    const read = (dataset: 'conversations' | 'inferenceDeltas'): ReturnType<typeof readTopic> =>
      readTopic(events, topicName(platform.cluster.prefix, datasets[dataset]));
    const [replies, record] = [await read('inferenceDeltas'), await read('conversations')];
    const found = new Map<string, TakeoverTimes>();
    const claims = new Map<string, string>();
    for (const event of replies) {
      if (!('inferenceId' in event.data) || !inferenceIds.has(event.data.inferenceId)) continue;
      const { inferenceId } = event.data;
      const known = found.get(inferenceId);
      if (event.type === 'AttemptStarted' && event.time < lostAt) {
        found.set(inferenceId, { worker: event.data.workerId, ...notTakenOver });
      } else if (event.type === 'AttemptStarted' && known?.replyFence === null) {
        claims.set(inferenceId, event.data.claim);
        found.set(inferenceId, { ...known, replyFence: event.time });
      } else if (
        event.type === 'InferenceDelta' &&
        known?.firstDelta === null &&
        claims.get(inferenceId) === event.data.claim
      ) {
        found.set(inferenceId, { ...known, firstDelta: event.time });
      }
    }
    for (const event of record) {
      if (event.type !== 'AttemptStarted' || event.time < lostAt) continue;
      const known = found.get(event.data.inferenceId);
      if (known?.recordFence === null)
        found.set(event.data.inferenceId, { ...known, recordFence: event.time });
    }
    return found;
  } finally {
    await events.log.close();
  }
}

const notTakenOver = { replyFence: null, recordFence: null, firstDelta: null };
