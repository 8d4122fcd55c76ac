import { z } from 'zod';
import { idParams, metadata, submissionOf, type Submission } from '../../requests.ts';
import { formatOfText, textFormat } from '../response-format.ts';
import { serviceTier, tierOf } from '../service-tier.ts';
import { checkToolUse, flatToolChoice, flatTools, toolUseOf } from '../tools.ts';
import { isEmpty, isTextFormat, unsupported } from '../unsupported.ts';
import { items, saidIn, strayOutput, text } from './response-input.ts';

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
      .describe(
        'A text, or items, oldest first; the last message is of the user and is answered, or functions have answered.',
      ),
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
    tools: flatTools,
    tool_choice: flatToolChoice,
    parallel_tool_calls: z.boolean().nullish().describe('False for at most one call; true if left out.'),
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
    const stray = strayOutput(body.input);
    if (conversation === null && previous === null && stray >= 0)
      context.addIssue({ code: 'custom', path: ['input', stray, 'call_id'], message: 'answers no call' });
    checkToolUse(
      {
        tools: body.tools ?? [],
        choice: body.tool_choice ?? null,
        hasFormat: (body.text?.format?.type ?? 'text') !== 'text',
      },
      ['text', 'format'],
      (found) => context.addIssue(found),
    );
    if (conversation !== null && saidIn(body.input).preceding.length > 0) {
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
  const said = saidIn(body.input);
  const plain = submissionOf(said.text, {
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
      tools: toolUseOf(body.tools ?? [], body.tool_choice ?? null, body.parallel_tool_calls ?? true),
      preceding: said.preceding,
      toolResults: said.toolResults,
      instructions: instructions === '' ? null : instructions,
      subjectId: body.safety_identifier ?? body.user ?? null,
    },
    previous: body.previous_response_id ?? null,
    stream: body.stream ?? false,
    background: body.background ?? false,
  };
}
