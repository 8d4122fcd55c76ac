import { z } from 'zod';
import type { PromptMessage, ToolResult } from '../../schemas/generated/types.ts';
import { plain, textPart, toolCallPart, toolResultPart } from '../../streams/parts.ts';
import { refuse } from '../problems.ts';
import { metadata, submissionOf, type Submission } from '../requests.ts';
import { serviceTier, tierOf } from './service-tier.ts';
import { formatOf, responseFormat } from './response-format.ts';
import { checkToolUse, toolChoice, toolName, tools, toolUseOf } from './tools.ts';
import { isEmpty, unsupported } from './unsupported.ts';

const ROLES = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
} as const;
const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const;

const text = z.string().max(1_000_000);
const content = z
  .union([text, z.array(z.looseObject({ type: z.literal('text'), text })).min(1)], {
    error: 'must be a text or an array of text parts; images, audio and files are not taken here',
  })
  .describe('A text, or an array of {"type": "text", "text": …}.');

const callId = z.string().min(1).max(256);

const message = z.looseObject({
  role: z.enum(roles, { error: `must be one of ${roles.join(', ')}` }),
  content: content.nullish(),
  tool_calls: z
    .array(
      z.looseObject({
        id: callId,
        type: z.literal('function', { error: 'must be function' }),
        function: z.looseObject({ name: toolName, arguments: text }),
      }),
    )
    .max(128)
    .nullish()
    .describe('Of an assistant: what it called.'),
  tool_call_id: callId.nullish().describe('Of a tool: the call that it answers.'),
  function_call: unsupported('functions are called as tools'),
});
type Message = z.output<typeof message>;

/** Answers of one call. */
const MOST_CHOICES = 4;

const stopText = z.string().min(1).max(500);
const maxTokens = z.int().min(1).max(1_000_000).nullish();
const label = z.string().min(1).max(256).nullish();

/** The body of POST /v1/chat/completions: what its clients send and this gateway does not know is left aside. */
export const completionRequest = z
  .looseObject({
    model: z.string().min(1).max(200).describe('Id or alias of a model.'),
    messages: z
      .array(message)
      .min(1)
      .superRefine((messages, context) => {
        for (const [index, said] of messages.entries()) {
          const [field, message] = problemOf(said, index === messages.length - 1) ?? [];
          if (field === undefined || message === undefined) continue;
          context.addIssue({ code: 'custom', path: [index, field], message });
        }
      })
      .describe('The conversation so far, oldest first; the last message is the one that is answered.'),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
    max_completion_tokens: maxTokens.describe('Most tokens of the answer; the model sets a cap.'),
    max_tokens: maxTokens.describe('The older name of max_completion_tokens, which wins.'),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().gt(0).max(1).nullish(),
    seed: z.int().min(0).nullish(),
    stop: z
      .union([stopText, z.array(stopText).max(4)], {
        error: 'must be a text or up to 4 of them, of 1 to 500 characters',
      })
      .nullish(),
    n: z
      .int()
      .min(1)
      .max(MOST_CHOICES, { error: `must be at most ${MOST_CHOICES}` })
      .nullish()
      .describe('Answers to the same messages, each an inference of its own with its own use.'),
    tools,
    tool_choice: toolChoice,
    parallel_tool_calls: z.boolean().nullish().describe('False for at most one call; true if left out.'),
    metadata: metadata.nullish(),
    service_tier: serviceTier,
    safety_identifier: label.describe('Whose personal data the call holds.'),
    user: label.describe('The older name of safety_identifier, which wins.'),
    // What would change the meaning of the answer and cannot be done is refused by name.
    functions: unsupported('functions are called as tools', isEmpty),
    function_call: unsupported(
      'functions are called as tools',
      (value) => value === 'none' || value === 'auto',
    ),
    response_format: responseFormat,
    logprobs: unsupported('no probabilities are reported', (value) => value === false),
    top_logprobs: unsupported('no probabilities are reported', (value) => value === 0),
    logit_bias: unsupported('tokens cannot be biased', isEmpty),
    presence_penalty: unsupported('penalties are not applied', (value) => value === 0),
    frequency_penalty: unsupported('penalties are not applied', (value) => value === 0),
    modalities: unsupported('answers are plain text', (value) => JSON.stringify(value) === '["text"]'),
    audio: unsupported('answers are plain text'),
    prediction: unsupported('a predicted answer is not used'),
    web_search_options: unsupported('the web is not searched'),
  })
  .superRefine((body, context) => {
    checkToolUse(
      {
        tools: functionsOf(body.tools),
        choice: body.tool_choice ?? null,
        hasFormat: (body.response_format?.type ?? 'text') !== 'text',
      },
      ['response_format'],
      (issue) => context.addIssue(issue),
    );
  })
  .describe("A chat completion in OpenAI's shape. Unknown parameters are ignored.");
type CompletionRequest = z.output<typeof completionRequest>;

/** A call of POST /v1/chat/completions, understood. */
export type Wanted = {
  readonly submission: Submission;
  /** Answers that are wanted. */
  readonly choices: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
};

/**
 * Returns what a checked body asks for: its last message is what is said, or the results of tools that it ends with; all
 * before is what preceded.
 *
 * Throws `invalid_request` for the result of a call that nobody made; where a conversation is named it may hold the call.
 */
export function wantedOf(body: CompletionRequest, conversationId: string | null): Wanted {
  if (conversationId === null) checkResults(body.messages);
  const results = body.messages.slice(body.messages.findLastIndex(({ role }) => role !== 'tool') + 1);
  const said = results.length === 0 ? body.messages.at(-1) : undefined;
  const preceding = joined(body.messages.slice(0, -Math.max(1, results.length)));
  const choices = body.n ?? 1;
  const stop = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
  const plain = submissionOf(said === undefined ? undefined : textOfContent(said), {
    ...(conversationId === null ? {} : { conversation_id: conversationId }),
    model: body.model,
    max_tokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    temperature: body.temperature ?? undefined,
    top_p: body.top_p ?? undefined,
    seed: body.seed ?? undefined,
    metadata: body.metadata ?? undefined,
    tier: tierOf(body.service_tier),
  });
  return {
    submission: {
      ...plain,
      stop,
      format: formatOf(body.response_format ?? null),
      tools: toolUseOf(functionsOf(body.tools), body.tool_choice ?? null, body.parallel_tool_calls ?? true),
      toolResults: results.map(resultOf),
      preceding,
      choices,
      subjectId: body.safety_identifier ?? body.user ?? null,
    },
    choices,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
  };
}

function checkResults(messages: readonly Message[]): void {
  const called = new Set<string>();
  for (const [index, { role, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    for (const call of calls ?? []) called.add(call.id);
    if (role !== 'tool' || called.has(id ?? '')) continue;
    throw refuse('invalid_request', 'a tool answers a call that no message before it makes', {
      param: `messages[${index}].tool_call_id`,
      fix: 'send the message of the assistant that called it as well',
    });
  }
}

function functionsOf(
  given: z.output<typeof tools>,
): readonly NonNullable<z.output<typeof tools>>[number]['function'][] {
  return (given ?? []).map((tool) => tool.function);
}

/** Returns the field of a message that is wrong, and what is wrong with it. */
function problemOf(said: Message, isLast: boolean): readonly [string, string] | null {
  const { role, content: given, tool_calls: calls, tool_call_id: answered } = said;
  const hasCalls = (calls?.length ?? 0) > 0;
  if (hasCalls && role !== 'assistant') return ['tool_calls', 'only an assistant calls tools'];
  if (role === 'tool' && (answered ?? null) === null) return ['tool_call_id', 'is missing: name the call'];
  if ((given ?? null) === null && !hasCalls) return ['content', 'is missing: nothing is said'];
  if (isLast && role !== 'user' && role !== 'tool')
    return ['role', 'the last message must be of the user or a tool'];
  return isLast && role === 'user' && textOfContent(said) === ''
    ? ['content', 'there is nothing to answer']
    : null;
}

/** Results of tools that follow each other are one message, as the log has them. */
function joined(messages: readonly Message[]): readonly PromptMessage[] {
  const said: PromptMessage[] = [];
  for (const message of messages) {
    const { role, parts } = precedingOf(message);
    const before = said.at(-1);
    if (role === 'tool' && before?.role === 'tool')
      said.splice(-1, 1, { role, parts: [...before.parts, ...parts] });
    else said.push({ role, parts });
  }
  return said;
}

function precedingOf(said: Message): PromptMessage {
  const role = ROLES[said.role];
  if (role === 'tool') return { role, parts: [toolResultPart(resultOf(said))] };
  const calls = (said.tool_calls ?? []).map(({ id, function: { name, arguments: given } }) =>
    toolCallPart({ id, name, arguments: plain(given) }),
  );
  const words = textOfContent(said);
  return { role, parts: words === '' && calls.length > 0 ? calls : [textPart(words), ...calls] };
}

function resultOf(said: Message): ToolResult {
  return { toolCallId: said.tool_call_id ?? '', content: plain(textOfContent(said)), isError: false };
}

function textOfContent({ content: said }: Message): string {
  return typeof said === 'string' ? said : (said ?? []).map((part) => part.text).join('');
}
