import { readToolCalls, toolCallId, writeToolCall } from '../../streams/tool-calls.ts';
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
    tool_results: turn.parts.flatMap(({ toolResult }) =>
      toolResult === undefined
        ? []
        : [{ tool_call_id: toolResult.toolCallId, content: toolResult.content.text ?? '' }],
    ),
    metadata: turn.metadata,
    ...answerOf(turn),
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

/** What was said and what was called; a caller without tools gets its text as it is. */
function answerOf({ text, asked, inferenceId }: TurnView): Json {
  if (text === null || asked?.tools === undefined) return { response: text, tool_calls: [] };
  const { text: response, calls } = readToolCalls(text);
  return {
    response,
    tool_calls: calls.map((call, index) => ({ id: toolCallId(inferenceId, index), ...call })),
  };
}

/** The texts of a message, its calls the way a model writes them. */
function textOf(parts: TurnView['parts']): string {
  return parts
    .map(({ text, toolCall, toolResult }) =>
      toolCall === undefined
        ? ((text ?? toolResult?.content)?.text ?? '')
        : writeToolCall({ name: toolCall.name, arguments: toolCall.arguments.text ?? '' }),
    )
    .join('');
}

function isoTime(millis: number): string {
  return new Date(millis).toISOString();
}
