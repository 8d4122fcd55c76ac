import { z } from 'zod';
import { CLIENT_TOKEN_SECONDS } from './identity/client-tokens.ts';
import type { AnswerFormat, PromptMessage, ToolResult, ToolUse } from '../schemas/generated/types.ts';

const text = z.string().min(1).max(1_000_000);
const id = z.string().regex(/^[\w.:-]{1,128}$/, 'an id: up to 128 letters, digits, "_", "-", "." or ":"');
const model = z.string().min(1).max(200).describe('Id or alias of a model; the default model if left out.');
const maxTokens = z.int().min(1).max(1_000_000).describe('Most tokens of the answer; the model sets a cap.');

/** Kinds of message that a client may send. */
const kind = z.enum(['message', 'regenerate', 'edit']);

const tier = z
  .enum(['interactive', 'standard', 'batch'])
  .describe(
    'Who is served first where workers are busy; batch gives way in the middle. interactive if left out.',
  );

/** The body of POST /conversation, as the first specification has it. */
export const conversationRequest = z
  .strictObject({
    message: text,
    conversation_id: id.optional().describe('Continues this conversation; a new one begins if left out.'),
    model_type: model.optional(),
    max_tokens: maxTokens.optional(),
  })
  .describe('A message that is answered in one piece.');

/** What a caller may attach to a message, within OpenAI's limits. */
export const metadata = z
  .record(z.string().min(1).max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, { error: 'at most 16 pairs' })
  .describe('Carried with the message and shown in the history; never interpreted.');

const turnFields = {
  conversation_id: id.optional().describe('Continues this conversation; a new one begins if left out.'),
  model: model.optional(),
  max_tokens: maxTokens.optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  seed: z.int().min(0).optional(),
  parent_id: id.optional().describe('Message id of the turn it follows; the latest if left out.'),
  target_id: id.optional().describe('Message id of the turn that is regenerated or edited.'),
  kind: kind.optional(),
  tier: tier.optional(),
  interrupt: z.boolean().optional().describe('Stops an answer that still runs in this conversation.'),
  metadata: metadata.optional(),
};

/** The body of POST /v1/chat. */
export const chatRequest = z
  .strictObject({ message: text.optional(), ...turnFields })
  .describe('A message that is answered as a stream of events.');

const labels = z.array(z.string().min(1).max(100)).max(20);

const feedbackFields = {
  inference_id: id,
  token: z.string().max(2_048).optional().describe('Resume token of the inference; spares a look-up.'),
  thumb: z.literal([1, -1, 0]).optional().describe('1 up, -1 down, 0 neither.'),
  rating: z.int().min(1).max(5).optional(),
  labels: labels.optional(),
  comment: z.string().min(1).max(20_000).optional(),
  correction: z.string().min(1).max(200_000).optional(),
};

/** The body of POST /v1/feedback. */
export const feedbackRequest = z.strictObject(feedbackFields).describe('A judgement of an answer.');
export type FeedbackRequest = z.infer<typeof feedbackRequest>;

/** The body of PATCH /v1/conversations/{id}. */
export const changeRequest = z
  .strictObject({
    title: z.string().trim().min(1).max(200).optional(),
    system_prompt: z
      .string()
      .max(100_000)
      .optional()
      .describe('Stands first in every later prompt of the conversation; empty for none.'),
    archived: z.boolean().optional().describe('True to take it out of the list, false to bring it back.'),
    clear_context: z
      .literal(true)
      .optional()
      .describe('Leaves all that was said so far out of later prompts; it stays in the history.'),
    pins: z
      .array(z.strictObject({ message_id: id, pinned: z.boolean() }))
      .min(1)
      .max(50)
      .optional()
      .describe('Turns that stay in later prompts when older ones have no room, or no longer do.'),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'nothing is changed' })
  .describe('What is changed of a conversation; what is left out stays.');
export type ChangeRequest = z.infer<typeof changeRequest>;

/** The body of POST /v1/inferences/{id}/cancel. */
export const cancelRequest = z
  .strictObject({ token: z.string().max(2_048).optional() })
  .describe('What to stop.');

/** The body of POST /v1/client-tokens. */
export const clientTokenRequest = z
  .strictObject({
    user: z
      .string()
      .regex(/^[\w.:@-]{1,100}$/, 'up to 100 letters, digits or any of "_.:@-"')
      .describe('Who chats with it, as your own system calls them.'),
    ttl_seconds: z.int().min(1).max(CLIENT_TOKEN_SECONDS).default(CLIENT_TOKEN_SECONDS),
    models: z
      .array(model)
      .min(1)
      .max(20)
      .optional()
      .describe('Models it may name; all of its key if left out.'),
  })
  .describe('Whom a token is for.');

const cursor = z.coerce.number().int().min(-1).max(Number.MAX_SAFE_INTEGER);

const pace = z
  .literal('original')
  .optional()
  .describe('Shows a finished answer as fast as it was made; at once if left out.');

/** The query of GET /v1/inferences/{id}/stream. */
export const streamQuery = z.strictObject({
  after: cursor.optional().describe('Seq of the last event received; Last-Event-ID is used the same way.'),
  token: z.string().max(2_048).optional().describe('Resume token of the inference.'),
  pace,
});

/** The query of a list that is read page by page. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z.string().min(1).max(500).optional().describe('The `next` of the page before.'),
});

export const conversationsQuery = pageQuery.extend({
  archived: z.enum(['true', 'false']).default('false').describe('List archived conversations too.'),
  q: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Lists those that hold these words, letters of either case; a page looks through 200 conversations.',
    ),
});

export const idParams = z.strictObject({ id });
export const noQuery = z.strictObject({});

/** What a client may send over the WebSocket. */
export const clientFrame = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auth'), key: z.string().min(1).max(500) }),
  z.strictObject({ type: z.literal('message'), id: id.optional(), text: text.optional(), ...turnFields }),
  z.strictObject({ type: z.literal('stop'), inference_id: id, token: z.string().max(2_048).optional() }),
  z.strictObject({
    type: z.literal('resume'),
    id: id.optional(),
    token: z.string().max(2_048).optional(),
    inference_id: id.optional(),
    after: z.int().min(-1).default(-1),
    pace,
  }),
  z.strictObject({ type: z.literal('feedback'), id: id.optional(), ...feedbackFields }),
]);
export type ClientFrame = z.infer<typeof clientFrame>;

/** What a frame calls itself and what it is about, as far as anybody can tell: a refusal names it. */
export const frameNames = z.looseObject({
  id: id.optional().catch(undefined),
  inference_id: id.optional().catch(undefined),
});

type TurnFields = Omit<z.infer<typeof chatRequest>, 'message'>;

/** What a client wants said, whatever the transport. Null: left out. */
export type Submission = {
  readonly text: string | null;
  readonly conversationId: string | null;
  readonly model: string | null;
  readonly maxTokens: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly seed: number | null;
  readonly parentId: string | null;
  readonly targetId: string | null;
  readonly kind: z.infer<typeof kind>;
  readonly interrupt: boolean;
  readonly tier: z.infer<typeof tier>;
  /** Texts that end the answer. */
  readonly stop: readonly string[];
  /** JSON that the answer has to be. */
  readonly format: AnswerFormat | null;
  /** What the model may call. */
  readonly tools: ToolUse | null;
  /** What is said in place of a text: what tools answered that the model called. */
  readonly toolResults: readonly ToolResult[];
  /** What was said before, where the caller brings its own history. */
  readonly preceding: readonly PromptMessage[];
  /** Answers that are wanted: this message's, and one of each sibling that is submitted after it. */
  readonly choices: number;
  /** A system message for this turn alone. */
  readonly instructions: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Whose personal data this is, where it is not the caller's. */
  readonly subjectId: string | null;
};

/** Returns the submission that a message and the fields of a turn make. */
export function submissionOf(message: string | undefined, fields: TurnFields): Submission {
  return {
    text: message ?? null,
    conversationId: fields.conversation_id ?? null,
    model: fields.model ?? null,
    maxTokens: fields.max_tokens ?? null,
    temperature: fields.temperature ?? null,
    topP: fields.top_p ?? null,
    seed: fields.seed ?? null,
    parentId: fields.parent_id ?? null,
    targetId: fields.target_id ?? null,
    kind: fields.kind ?? 'message',
    interrupt: fields.interrupt ?? false,
    tier: fields.tier ?? 'interactive',
    stop: [],
    format: null,
    tools: null,
    toolResults: [],
    preceding: [],
    choices: 1,
    instructions: null,
    metadata: fields.metadata ?? {},
    subjectId: null,
  };
}
