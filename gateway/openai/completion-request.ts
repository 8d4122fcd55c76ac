import { z } from 'zod';
import type { PromptMessage } from '../../schemas/generated/types.ts';
import { textPart } from '../../streams/parts.ts';
import { metadata, submissionOf, type Submission } from '../requests.ts';
import { serviceTier, tierOf } from './service-tier.ts';
import { formatOf, responseFormat } from './response-format.ts';
import { isEmpty, unsupported } from './unsupported.ts';

const ROLES = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' } as const;
const roles = ['system', 'developer', 'user', 'assistant'] as const;

const text = z.string().max(1_000_000);
const content = z
  .union([text, z.array(z.looseObject({ type: z.literal('text'), text })).min(1)], {
    error: 'must be a text or an array of text parts; images, audio and files are not taken here',
  })
  .describe('A text, or an array of {"type": "text", "text": …}.');

const message = z.looseObject({
  role: z.enum(roles, { error: `must be one of ${roles.join(', ')}` }),
  content,
  tool_calls: unsupported('no tools are called here', (value) => Array.isArray(value) && value.length === 0),
  function_call: unsupported('no functions are called here'),
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
        const last = messages.at(-1);
        const path = (field: string): PropertyKey[] => [messages.length - 1, field];
        if (last !== undefined && last.role !== 'user') {
          context.addIssue({
            code: 'custom',
            path: path('role'),
            message: 'the last message must be of the user',
          });
        } else if (last !== undefined && textOfContent(last) === '') {
          context.addIssue({ code: 'custom', path: path('content'), message: 'there is nothing to answer' });
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
    metadata: metadata.nullish(),
    service_tier: serviceTier,
    safety_identifier: label.describe('Whose personal data the call holds.'),
    user: label.describe('The older name of safety_identifier, which wins.'),
    // What would change the meaning of the answer and cannot be done is refused by name.
    tools: unsupported('no tools are called here', isEmpty),
    tool_choice: unsupported('no tools are called here', (value) => value === 'none' || value === 'auto'),
    functions: unsupported('no functions are called here', isEmpty),
    function_call: unsupported(
      'no functions are called here',
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

/** Returns what a checked body asks for: its last message is what is said, all before is what preceded. */
export function wantedOf(body: CompletionRequest, conversationId: string | null): Wanted {
  const preceding = body.messages.slice(0, -1).map(precedingOf);
  const last = body.messages.at(-1);
  const choices = body.n ?? 1;
  const stop = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
  const plain = submissionOf(last === undefined ? undefined : textOfContent(last), {
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
      preceding,
      choices,
      subjectId: body.safety_identifier ?? body.user ?? null,
    },
    choices,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
  };
}

function precedingOf(said: Message): PromptMessage {
  return { role: ROLES[said.role], parts: [textPart(textOfContent(said))] };
}

function textOfContent({ content: said }: Message): string {
  return typeof said === 'string' ? said : said.map((part) => part.text).join('');
}
