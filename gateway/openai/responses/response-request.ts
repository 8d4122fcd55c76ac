import { z } from 'zod';
import type { PromptMessage } from '../../../schemas/generated/types.ts';
import { textPart } from '../../../streams/parts.ts';
import { idParams, metadata, submissionOf, type Submission } from '../../requests.ts';
import { formatOfText, textFormat } from '../response-format.ts';
import { serviceTier, tierOf } from '../service-tier.ts';
import { isEmpty, isTextFormat, unsupported } from '../unsupported.ts';

const ROLES = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' } as const;
const roles = ['system', 'developer', 'user', 'assistant'] as const;

const text = z.string().max(1_000_000);
const part = z.looseObject({ type: z.enum(['input_text', 'output_text', 'text']), text });
const content = z
  .union([text, z.array(part).min(1)], {
    error:
      'must be a text or an array of input_text and output_text parts; images, audio and files are not taken here',
  })
  .describe('A text, or an array of {"type": "input_text" or "output_text", "text": …}.');

const item = z.looseObject({
  type: z
    .literal('message', { error: 'must be message: tools, reasoning and references are not taken here' })
    .optional(),
  role: z.enum(roles, { error: `must be one of ${roles.join(', ')}` }),
  content,
});
type Item = z.output<typeof item>;

const items = z
  .array(item)
  .min(1)
  .superRefine((list, context) => {
    const last = list.at(-1);
    const path = (field: string): PropertyKey[] => [list.length - 1, field];
    if (last !== undefined && last.role !== 'user') {
      context.addIssue({
        code: 'custom',
        path: path('role'),
        message: 'the last message must be of the user',
      });
    } else if (last !== undefined && textOfContent(last.content) === '') {
      context.addIssue({ code: 'custom', path: path('content'), message: 'there is nothing to answer' });
    }
  });

const responseId = z.string().min(1).max(128);
const label = z.string().min(1).max(256).nullish();

/** Asks for what only tools, images or reasoning would add: here is nothing of it, so nothing is left out. */
const VACUOUS = new Set([
  'file_search_call.results',
  'web_search_call.results',
  'web_search_call.action.sources',
  'message.input_image.image_url',
  'computer_call_output.output.image_url',
  'code_interpreter_call.outputs',
  'reasoning.encrypted_content',
]);
const included = z.string().refine((name) => VACUOUS.has(name), { error: 'is not supported' });

/** The body of POST /v1/responses: what its clients send and this gateway does not know is left aside. */
export const responseRequest = z
  .looseObject({
    model: z
      .string()
      .min(1)
      .max(200)
      .nullish()
      .describe('Id or alias of a model; the default model if left out.'),
    // A text and an array are told apart by hand, so that a problem names the item that has it.
    input: z
      .unknown()
      .transform((value, context) => {
        const said = typeof value === 'string' ? [{ role: 'user', content: value }] : value;
        const checked = items.safeParse(said);
        if (checked.success) return checked.data;
        for (const { path, message } of checked.error.issues) {
          const where = typeof value === 'string' ? [] : path;
          context.addIssue({ code: 'custom', path: where, message });
        }
        return z.NEVER;
      })
      .describe('A text, or messages, oldest first; the last is of the user and is answered.'),
    instructions: text.nullish().describe('A system message for this response alone.'),
    previous_response_id: responseId.nullish().describe('The response that this one follows.'),
    conversation: z
      .union([idParams.shape.id, z.looseObject({ id: idParams.shape.id })], {
        error: 'names no conversation',
      })
      .nullish()
      .describe('The conversation that this one follows; a new one begins if left out.'),
    stream: z.boolean().nullish(),
    background: z
      .boolean()
      .nullish()
      .describe('Answer once it has begun, at the latest after a second; it is made all the same.'),
    max_output_tokens: z.int().min(1).max(1_000_000).nullish().describe('Most tokens; the model sets a cap.'),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().gt(0).max(1).nullish(),
    metadata: metadata.nullish(),
    service_tier: serviceTier,
    include: z.array(included).nullish(),
    safety_identifier: label.describe('Whose personal data the call holds.'),
    user: label.describe('The older name of safety_identifier, which wins.'),
    text: z
      .looseObject({ format: textFormat })
      .nullish()
      .describe('What the answer has to be: plain text, or JSON.'),
    // What would change the meaning of the answer and cannot be done is refused by name.
    store: unsupported('every answer is recorded', (value) => value === true),
    truncation: unsupported(
      'what does not fit of the conversation is left out of the prompt',
      (value) => value === 'auto',
    ),
    tools: unsupported('no tools are called here', isEmpty),
    tool_choice: unsupported('no tools are called here', (value) => value === 'none' || value === 'auto'),
    n: unsupported('one call gives one answer', (value) => value === 1),
    prompt: unsupported('no prompts are kept here'),
    top_logprobs: unsupported('no probabilities are reported', (value) => value === 0),
    modalities: unsupported('answers are plain text', (value) => JSON.stringify(value) === '["text"]'),
    audio: unsupported('answers are plain text'),
    response_format: unsupported('the format of a response is its text.format', isTextFormat),
    messages: unsupported('the messages of a response are its input'),
    moderation: unsupported('nothing is moderated here'),
    context_management: unsupported('contexts are not compacted', isEmpty),
  })
  .superRefine((body, context) => {
    const issue = (param: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [param], message });
    const { conversation = null, previous_response_id: previous = null } = body;
    if (conversation !== null && previous !== null) {
      issue('previous_response_id', 'does not go with conversation: name one of them');
    }
    if (conversation !== null && body.input.length > 1) {
      issue('input', 'must be one message where a conversation is named, which holds those before');
    }
  })
  .describe("A response in the shape of OpenAI's Responses API. Unknown parameters are ignored.");
type ResponseRequest = z.output<typeof responseRequest>;

/** A call of POST /v1/responses, understood. */
export type WantedResponse = {
  readonly submission: Submission;
  /** Id of the response that it follows; its place is still to be found. */
  readonly previous: string | null;
  readonly stream: boolean;
  readonly background: boolean;
};

/** Returns what a checked body asks for. */
export function wantedResponseOf(body: ResponseRequest): WantedResponse {
  const { conversation } = body;
  const named = typeof conversation === 'string' ? conversation : conversation?.id;
  const last = body.input.at(-1);
  const plain = submissionOf(last === undefined ? undefined : textOfContent(last.content), {
    ...(named === undefined ? {} : { conversation_id: named }),
    model: body.model ?? undefined,
    max_tokens: body.max_output_tokens ?? undefined,
    temperature: body.temperature ?? undefined,
    top_p: body.top_p ?? undefined,
    metadata: body.metadata ?? undefined,
    tier: tierOf(body.service_tier),
  });
  const instructions = body.instructions ?? '';
  return {
    submission: {
      ...plain,
      format: formatOfText(body.text?.format ?? null),
      preceding: body.input.slice(0, -1).map(precedingOf),
      instructions: instructions === '' ? null : instructions,
      subjectId: body.safety_identifier ?? body.user ?? null,
    },
    previous: body.previous_response_id ?? null,
    stream: body.stream ?? false,
    background: body.background ?? false,
  };
}

function precedingOf(said: Item): PromptMessage {
  return { role: ROLES[said.role], parts: [textPart(textOfContent(said.content))] };
}

function textOfContent(said: Item['content']): string {
  return typeof said === 'string' ? said : said.map((piece) => piece.text).join('');
}
