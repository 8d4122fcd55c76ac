import type { Content } from '../../schemas/generated/types.ts';
import { foldEnding, isTerminal, noEnding, type Ending } from '../../streams/effective-end.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { textOf } from '../../streams/parts.ts';

/** Something that happened in a conversation. Times are the broker's, in milliseconds since 1970. */
export type Entry = {
  readonly time: number;
  readonly type: string;
  readonly partition: number;
  readonly offset: number;
  /** Whose doing it was: a principal, a model, or nobody's. */
  readonly by: string | null;
  readonly messageId: string | null;
  readonly inferenceId: string | null;
  /** What happened, without anybody's words. */
  readonly facts: string;
  /** The words: of a person, a model or a tool. Null where there are none, or they are sealed. */
  readonly words: string | null;
  /** UTF-8 bytes of each delta and the milliseconds before it; empty for what was not streamed. */
  readonly pace: { readonly deltaBytes: readonly number[]; readonly deltaMillis: readonly number[] } | null;
};

/**
 * Tells a conversation as the log has it, up to a time: each event that changed it, in log order. Ends that came after the
 * effective one, and repeats, changed nothing and are left out. Pure.
 */
export function timelineOf(conversation: readonly LoggedEvent[], asOf: number): readonly Entry[] {
  const endings = new Map<string, Ending>();
  const seen = new Set<string>();
  return conversation.flatMap((event) => {
    if (event.time > asOf) return [];
    if ('eventId' in event.data) {
      if (seen.has(event.data.eventId)) return [];
      seen.add(event.data.eventId);
    }
    if (event.type === 'AttemptStarted' || isTerminal(event)) {
      const { inferenceId } = event.data;
      const [next, isEffective] = foldEnding(endings.get(inferenceId) ?? noEnding, event);
      endings.set(inferenceId, next);
      if (isTerminal(event) && !isEffective) return [];
    }
    const entry = entryOf(event);
    return entry === null ? [] : [entry];
  });
}

function entryOf(event: LoggedEvent): Entry | null {
  const { type, time, partition, offset } = event;
  const base = {
    type,
    time,
    partition,
    offset,
    by: null,
    messageId: null,
    inferenceId: null,
    words: null,
    pace: null,
  };
  switch (event.type) {
    case 'MessageSubmitted': {
      const { eventId, inferenceId, principal, kind, targetId, parentId, role, parts, transport, route } =
        event.data;
      const after = targetId ?? parentId;
      const place = after === null ? '' : kind === 'message' ? `, after ${after}` : ` of ${after}`;
      const facts = `${kind}${place}, ${role}, over ${transport}, to ${route.model}`;
      return { ...base, by: principal, messageId: eventId, inferenceId, facts, words: textOf(parts) };
    }
    case 'AttemptStarted': {
      const { inferenceId, attempt, model, workerId } = event.data;
      return { ...base, by: model, inferenceId, facts: `attempt ${attempt} by ${workerId}` };
    }
    case 'InferenceCompleted':
    case 'InferenceFailed':
    case 'InferenceCancelled': {
      const { inferenceId, messageId, model, content, completionTokens, deltaBytes, deltaMillis } =
        event.data;
      const how =
        event.type === 'InferenceCompleted'
          ? event.data.finishReason
          : event.type === 'InferenceFailed'
            ? event.data.code
            : event.data.cancelReason;
      const facts = `${how}, ${completionTokens} tokens in ${deltaBytes.length} deltas`;
      return {
        ...base,
        by: model,
        messageId,
        inferenceId,
        facts,
        words: content.text,
        pace: { deltaBytes, deltaMillis },
      };
    }
    case 'MessageRejected':
      return {
        ...base,
        by: event.data.principal,
        inferenceId: event.data.inferenceId,
        facts: event.data.code,
      };
    case 'CancelRequested':
      return {
        ...base,
        by: event.data.principal,
        inferenceId: event.data.inferenceId,
        facts: event.data.reason,
      };
    case 'FeedbackGiven': {
      const { principal, inferenceId, thumb, rating, labels, comment, correction } = event.data;
      const facts = [`thumb ${thumb}`, ...(rating === null ? [] : [`${rating} of 5`]), ...labels].join(', ');
      return { ...base, by: principal, inferenceId, facts, words: wordsOf([comment, correction]) };
    }
    case 'ConversationChanged': {
      const { principal, title, systemPrompt, archived, clearContext, pins } = event.data;
      const changes = [
        ...(title === null ? [] : ['title']),
        ...(systemPrompt === null ? [] : ['instructions']),
        ...(archived === null ? [] : [archived ? 'archived' : 'brought back']),
        ...(clearContext ? ['context cleared'] : []),
        ...pins.map(({ messageId, pinned }) => `${pinned ? 'pinned' : 'released'} ${messageId}`),
      ];
      return { ...base, by: principal, facts: changes.join(', '), words: wordsOf([title, systemPrompt]) };
    }
    case 'ConversationErased':
      return { ...base, facts: 'erased' };
    default:
      return null;
  }
}

function wordsOf(contents: readonly (Content | null)[]): string | null {
  const words = contents.flatMap((content) =>
    (content?.text ?? null) === null ? [] : [content?.text ?? ''],
  );
  return words.length === 0 ? null : words.join(' / ');
}
