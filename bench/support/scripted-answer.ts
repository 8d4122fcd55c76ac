import { NO_DIRECTIVES, parseDirectives } from '../../inference-workers/engines/scripted/directives.ts';
import { startOf, writeScript } from '../../inference-workers/engines/scripted/script.ts';
import { countTokens } from '../../inference-workers/engines/scripted/words.ts';
import { createStopFilter } from '../../inference-workers/engines/stop-filter.ts';

/** What a client of a chat-completions route asks for, as far as a scripted answer depends on it. */
export type ChatRequest = {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  /** The last message is an answer to go on with, as vLLM's `continue_final_message` has it. */
  readonly continues: boolean;
};

/** A whole answer: the text that the scripted engine gives to the same words. */
export type ScriptedAnswer = {
  /** One piece a token, but for those that a stop string held back. */
  readonly pieces: readonly string[];
  readonly finishReason: 'stop' | 'length';
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly firstMs: number;
  readonly paceMs: number;
};

/** Writes the answer to a request; `directives.ts` of the scripted engine says what its last question can ask for. */
export function answerRequest(request: ChatRequest): ScriptedAnswer {
  const { messages } = request;
  const question = textOf(messages.findLast(({ role }) => role === 'user')?.content);
  const directives = parseDirectives(question, NO_DIRECTIVES);
  const script = writeScript(question, directives);
  const prefix = request.continues ? textOf(messages.at(-1)?.content) : '';
  const start = prefix === '' ? 0 : startOf(script, prefix, countTokens(prefix));
  const until = Math.min(script.length, start + request.maxTokens);
  const stops = createStopFilter(request.stop, prefix);
  const pieces: string[] = [];
  let position = start;
  let stopped = false;
  while (position < until && !stopped) {
    const piece = stops.push(script.token(position));
    position += 1;
    stopped = piece.stopped;
    if (piece.text !== '') pieces.push(piece.text);
  }
  const rest = stopped ? '' : stops.flush();
  if (rest !== '') pieces.push(rest);
  return {
    pieces,
    finishReason: stopped || position >= script.length ? 'stop' : 'length',
    promptTokens: messages.reduce((sum, { content }) => sum + countTokens(textOf(content)), 0),
    completionTokens: position - start,
    firstMs: directives.firstMs,
    paceMs: directives.paceMs,
  };
}

/** Reads the body of a chat-completions request; null for one that is none. */
export function readChatRequest(body: string): ChatRequest | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  // Fields of the request as the API has them; each is looked at before it is used.
  const fields = value as Readonly<Record<string, unknown>>;
  const { messages, stop } = fields;
  if (!Array.isArray(messages) || messages.length === 0) return null;
  const limit = fields['max_completion_tokens'] ?? fields['max_tokens'];
  const options = fields['stream_options'] as { readonly include_usage?: unknown } | undefined;
  return {
    model: typeof fields['model'] === 'string' ? fields['model'] : 'scripted',
    messages: messages as ChatRequest['messages'],
    stream: fields['stream'] === true,
    includeUsage: options?.include_usage === true,
    maxTokens: typeof limit === 'number' ? limit : Number.MAX_SAFE_INTEGER,
    stop: typeof stop === 'string' ? [stop] : Array.isArray(stop) ? stop.map(String) : [],
    continues: fields['continue_final_message'] === true,
  };
}

/** The text of a message's content: a string, or parts of which those with text count. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) =>
      typeof part === 'object' && part !== null && 'text' in part ? String(part.text) : '',
    )
    .join('');
}
