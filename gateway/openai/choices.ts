import type { Incoming } from '../submit.ts';
import type { Place } from '../token.ts';

/**
 * Returns what is submitted after the first message for a call that wants more than one answer: the same turn anew, once
 * for each further choice. Their ids follow from the call's key, so that a repeated call attaches to all of them.
 */
export function siblingsOf<Message extends Omit<Incoming, 'openSink'>>(
  message: Message,
  { conversationId, messageId }: Pick<Place, 'conversationId' | 'messageId'>,
): readonly Message[] {
  const { submission, key } = message;
  return Array.from({ length: submission.choices - 1 }, (_, index) => ({
    ...message,
    key: key === null ? null : `${key}#${index + 1}`,
    submission: {
      ...submission,
      ...{ kind: 'regenerate' as const, targetId: messageId, conversationId },
      ...{ text: null, toolResults: [], preceding: [], parentId: null },
      // The same seed would give the same answer.
      seed: submission.seed === null ? null : submission.seed + index + 1,
    },
  }));
}
