import type { ConversationQueries } from '../../../projections/conversations/queries.ts';
import type { AnswerFormat, MessageSubmitted, ToolUse } from '../../../schemas/generated/types.ts';
import { inferenceIdOf } from '../../../streams/ids.ts';
import { readToolCalls, toolCallId, type WrittenCall } from '../../../streams/tool-calls.ts';
import type { Problem } from '../../problems.ts';
import type { End } from '../../streams/frames.ts';
import { textFormatJson } from '../response-format.ts';
import { responseIdOf } from './response-id.ts';

type Json = Readonly<Record<string, unknown>>;
export type InferenceView = NonNullable<ReturnType<ConversationQueries['findInference']>>;

/**
 * What a response says besides its answer. All of it is on the log: the gateway that takes a message in and one that is
 * asked much later say the same.
 */
export type ResponseFacts = {
  readonly inferenceId: string;
  readonly conversationId: string;
  /** Seconds since 1970, by the clock of the gateway that took the message in. */
  readonly createdAt: number;
  readonly model: string;
  readonly instructions: string | null;
  readonly previousResponseId: string | null;
  readonly maxOutputTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly format: AnswerFormat | null;
  readonly tools: ToolUse | null;
  readonly metadata: Readonly<Record<string, string>>;
};

/** How a response stands. */
export type ResponseState =
  | { readonly type: 'running' }
  | { readonly type: 'ended'; readonly text: string; readonly end: End }
  | { readonly type: 'failed'; readonly text: string; readonly problem: Problem };

/** Returns the facts of a message that is about to be appended. */
export function factsOfMessage(message: MessageSubmitted): ResponseFacts {
  const { inferenceId, conversationId, parameters, metadata } = message;
  return {
    inferenceId,
    conversationId,
    createdAt: secondsOf(message.occurredAt),
    model: message.route.model,
    instructions: message.template === null ? (message.instructions?.text ?? null) : null,
    previousResponseId: previousOf(message.parentId),
    maxOutputTokens: parameters.maxTokens,
    temperature: parameters.temperature,
    topP: parameters.topP,
    format: parameters.format,
    tools: parameters.tools,
    metadata,
  };
}

/** Returns the same facts from the read model; null where the message was erased, or could not be read. */
export function factsOfInference(view: InferenceView): ResponseFacts | null {
  const { inferenceId, conversationId, model, asked, metadata } = view;
  if (asked === null) return null;
  return {
    inferenceId,
    conversationId,
    createdAt: secondsOf(asked.at),
    model,
    instructions: asked.instructions?.text ?? null,
    previousResponseId: previousOf(asked.parentId),
    maxOutputTokens: asked.maxTokens,
    temperature: asked.temperature,
    topP: asked.topP,
    format: asked.format ?? null,
    tools: asked.tools ?? null,
    metadata,
  };
}

/** A response as OpenAI's clients see it. */
export function responseJson(facts: ResponseFacts, state: ResponseState): Json {
  const status = statusOf(state);
  const isEmpty = state.type === 'running' || (state.type === 'failed' && state.text === '');
  return {
    id: responseIdOf(facts.inferenceId),
    object: 'response',
    created_at: facts.createdAt,
    status,
    error: state.type === 'failed' ? { code: state.problem.code, message: state.problem.message } : null,
    incomplete_details: status === 'incomplete' ? { reason: incompleteReason(state) } : null,
    instructions: facts.instructions,
    max_output_tokens: facts.maxOutputTokens,
    // Who really answered, once that is known.
    model: state.type === 'ended' && state.end.model !== '' ? state.end.model : facts.model,
    output: isEmpty ? [] : outputJson(facts, state),
    parallel_tool_calls: facts.tools?.parallel ?? true,
    previous_response_id: facts.previousResponseId,
    conversation: { id: facts.conversationId },
    store: true,
    temperature: facts.temperature,
    text: { format: textFormatJson(facts.format) },
    tool_choice: choiceJson(facts.tools),
    tools: facts.tools?.tools.map(toolJson) ?? [],
    top_p: facts.topP,
    truncation: 'auto',
    usage: state.type === 'ended' ? usageJson(state.end) : null,
    metadata: facts.metadata,
  };
}

/** What was said, then what was called. */
function outputJson(
  facts: ResponseFacts,
  state: Extract<ResponseState, { readonly type: 'ended' | 'failed' }>,
): readonly Json[] {
  const status = itemStatus(state);
  const { text, calls } = facts.tools === null ? { text: state.text, calls: [] } : readToolCalls(state.text);
  return [
    ...(text === '' && calls.length > 0 ? [] : [itemJson(facts, status, [partJson(text)])]),
    ...calls.map((call, index) => callJson(facts, index, call, status)),
  ];
}

/** An item of a response's output: a call of a function. */
export function callJson(
  { inferenceId }: ResponseFacts,
  index: number,
  call: WrittenCall,
  status: string,
): Json {
  const id = toolCallId(inferenceId, index);
  return { id: id.replace(/^call_/, 'fc_'), type: 'function_call', status, call_id: id, ...call };
}

function toolJson({ name, description, schema }: ToolUse['tools'][number]): Json {
  return { type: 'function', name, description, parameters: JSON.parse(schema) as object, strict: false };
}

function choiceJson(use: ToolUse | null): unknown {
  return use?.choice === 'named' ? { type: 'function', name: use.name } : (use?.choice ?? 'auto');
}

/** An item of a response's output: a message. */
export function itemJson({ inferenceId }: ResponseFacts, status: string, content: readonly Json[]): Json {
  return { id: itemIdOf(inferenceId), type: 'message', status, role: 'assistant', content };
}

export function itemIdOf(inferenceId: string): string {
  return `msg_${inferenceId.replace(/^inf_/, '')}`;
}

export function partJson(text: string): Json {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

/** How an item of the output stands once its response has ended. */
export function itemStatus(state: ResponseState): 'completed' | 'incomplete' {
  return statusOf(state) === 'completed' ? 'completed' : 'incomplete';
}

/** `cancelled` is what was stopped: its text is what was said until then. */
export function statusOf(
  state: ResponseState,
): 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled' {
  if (state.type === 'running') return 'in_progress';
  if (state.type === 'failed') return 'failed';
  if (state.end.outcome === 'cancelled') return 'cancelled';
  return incompleteReason(state) === null ? 'completed' : 'incomplete';
}

function incompleteReason(state: ResponseState): 'max_output_tokens' | 'content_filter' | null {
  if (state.type !== 'ended') return null;
  const { finishReason } = state.end;
  if (finishReason === 'length') return 'max_output_tokens';
  return finishReason === 'content_filter' ? 'content_filter' : null;
}

function usageJson({ promptTokens, completionTokens, cachedTokens }: End): Json {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + completionTokens,
  };
}

function previousOf(parentId: string | null): string | null {
  return parentId === null ? null : responseIdOf(inferenceIdOf(parentId));
}

function secondsOf(millis: number): number {
  return Math.floor(millis / 1000);
}
