import type { ConversationQueries } from '../../projections/conversations/queries.ts';

export type ConversationView = NonNullable<ReturnType<ConversationQueries['findConversation']>>;
type ConversationSummary = ReturnType<ConversationQueries['listConversations']>['items'][number];
type TurnView = ReturnType<ConversationQueries['findTurns']>['items'][number];
type Json = Readonly<Record<string, unknown>>;

/** A conversation as HTTP clients see it; times as ISO 8601. */
export function conversationJson(view: ConversationSummary | ConversationView): Json {
  return {
    id: view.conversationId,
    title: view.title,
    created_at: isoTime(view.createdAt),
    updated_at: isoTime(view.updatedAt),
    archived: view.archived,
    turns: view.turns,
    ...('head' in view ? { head: view.head, system_prompt: view.systemPrompt?.text || null } : {}),
  };
}

/** A turn as HTTP clients see it: what was asked, and its answer. */
export function turnJson(turn: TurnView): Json {
  return {
    message_id: turn.messageId,
    inference_id: turn.inferenceId,
    parent_id: turn.parentId,
    target_id: turn.targetId,
    kind: turn.kind,
    role: turn.role,
    instructions: turn.asked?.instructions?.text ?? null,
    preceding: turn.preceding.map(({ role, parts }) => ({ role, content: textOf(parts) })),
    message: textOf(turn.parts),
    metadata: turn.metadata,
    response: turn.text,
    status: turn.status,
    code: turn.code,
    finish_reason: turn.finishReason,
    model: turn.model,
    usage: {
      prompt_tokens: turn.promptTokens,
      completion_tokens: turn.completionTokens,
      total_tokens: turn.promptTokens + turn.completionTokens,
      cached_tokens: turn.cachedTokens,
    },
    pinned: turn.pinned,
    feedback: turn.feedback.map(({ thumb, rating, labels, comment, correction, time }) => ({
      ...{ thumb, rating, labels },
      comment: comment?.text ?? null,
      correction: correction?.text ?? null,
      given_at: isoTime(time),
    })),
    submitted_at: isoTime(turn.submittedAt),
    ended_at: turn.endedAt === null ? null : isoTime(turn.endedAt),
  };
}

function textOf(parts: TurnView['parts']): string {
  return parts.map((part) => part.text?.text ?? '').join('');
}

function isoTime(millis: number): string {
  return new Date(millis).toISOString();
}
