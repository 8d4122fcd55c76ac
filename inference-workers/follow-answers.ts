import type { EventLog } from '../streams/event-log.ts';
import { followTopics } from '../streams/runner/follow-topics.ts';
import { createAnswerCache, type AnswerCache } from './answer-cache.ts';

/** Kept to be given again, over all tenants. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** Reads the topic of answers without a group; resolves when everything that lay there at the call is known. */
export async function followAnswers(
  events: EventLog,
  topic: string,
  told: {
    /** A record that cannot be decoded was left out: every worker reads all, so none of them sets it aside. */
    readonly onPoison: () => void;
    readonly onFailure: (error: unknown) => void;
  },
): Promise<{ readonly cache: AnswerCache; stop(): Promise<void> }> {
  const cache = createAnswerCache(CACHE_BYTES);
  const follower = await followTopics(events, [topic], {
    ...{ name: 'answers', ...told },
    onEvent: (event) => cache.apply(event),
  });
  return { cache, stop: () => follower.stop() };
}
