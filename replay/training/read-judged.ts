import type { LoggedEvent } from '../../streams/event.ts';
import type { RawRecord } from '../../streams/log.ts';
import { readToEnd } from '../../streams/runner/read-to-end.ts';
import type { Reading } from '../of-key.ts';

export type JudgedConversation = {
  readonly conversationId: string;
  /** All of it, in log order. */
  readonly events: readonly LoggedEvent[];
  /** Its answers that people judged. */
  readonly inferenceIds: readonly string[];
};

/**
 * Reads the conversations in which people judged answers, without those that are erased, by their ids: the log is read twice, so
 * that no more than these is held. Throws as the log does.
 */
export async function readJudged(
  reading: Reading,
  topic: string,
  tenant: string | null,
): Promise<readonly JudgedConversation[]> {
  const judged = new Map<string, Set<string>>();
  await each(
    reading,
    topic,
    () => true,
    (event) => {
      if (event.type !== 'FeedbackGiven' || (tenant !== null && event.data.tenantId !== tenant)) return;
      const { conversationId, inferenceId } = event.data;
      judged.set(conversationId, (judged.get(conversationId) ?? new Set()).add(inferenceId));
    },
  );
  const events = new Map<string, LoggedEvent[]>([...judged.keys()].map((id) => [id, []]));
  await each(
    reading,
    topic,
    ({ key }) => judged.has(key?.toString() ?? ''),
    (event) => {
      if (!('conversationId' in event.data)) return;
      const { conversationId } = event.data;
      if (event.type === 'ConversationErased') events.delete(conversationId);
      else events.get(conversationId)?.push(event);
    },
  );
  return [...events]
    .map(([conversationId, own]) => ({
      ...{ conversationId, events: own },
      inferenceIds: [...(judged.get(conversationId) ?? [])],
    }))
    .sort((one, other) => (one.conversationId < other.conversationId ? -1 : 1));
}

function each(
  { events, onProgress, signal }: Reading,
  topic: string,
  wants: (record: RawRecord) => boolean,
  onEvent: (event: LoggedEvent) => void,
): Promise<void> {
  return readToEnd(events, topic, { wants, onEvents: (batch) => batch.forEach(onEvent), onProgress, signal });
}
