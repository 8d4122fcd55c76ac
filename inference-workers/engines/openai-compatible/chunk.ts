import type { FinishReason } from '../../engine.ts';
import { StenoError } from '../../../runtime/errors.ts';
import { streamError } from './backend-error.ts';

/** Tokens as the backend counted them. */
export type Usage = {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
};

/** A piece of a call of a tool; `name` comes once, with the first. */
export type CallPiece = {
  /** Which call of the answer; null where the backend does not count them and sends each whole. */
  readonly index: number | null;
  readonly name: string | null;
  readonly arguments: string;
};

/** One `chat.completion.chunk`, as far as an answer of one choice needs it. */
export type Chunk = {
  readonly text: string;
  readonly calls: readonly CallPiece[];
  readonly finishReason: string | null;
  readonly usage: Usage | null;
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the data of one server-sent event. Throws StenoError `engine_failed` for data that is no chunk, and for an
 * error in place of one (`prompt_too_large` if that is what it says).
 */
export function parseChunk(data: string): Chunk {
  const value = parseObject(data);
  if ('error' in value && value['error'] !== null) throw streamError(value['error']);
  const choices = value['choices'];
  if (!Array.isArray(choices)) throw malformed();
  const choice: unknown = choices[0];
  const usage = readUsage(value['usage']);
  if (!isFields(choice)) return { text: '', calls: [], finishReason: null, usage };
  const { delta, finish_reason: finishReason } = choice;
  const content = isFields(delta) ? delta['content'] : undefined;
  const calls = isFields(delta) ? delta['tool_calls'] : undefined;
  return {
    text: typeof content === 'string' ? content : '',
    calls: Array.isArray(calls) ? calls.map(callPiece) : [],
    finishReason: typeof finishReason === 'string' ? finishReason : null,
    usage,
  };
}

/**
 * Maps a finish reason to ours; null for one that says that the backend gave up (vLLM's `abort` when it shuts down).
 * Servers have words of their own for an ordinary end.
 */
export function finishReasonOf(reason: string): FinishReason | null {
  switch (reason) {
    case 'length':
    case 'content_filter':
    case 'tool_calls':
      return reason;
    case 'function_call':
      return 'tool_calls';
    case 'abort':
    case 'error':
      return null;
    default:
      return 'stop';
  }
}

function callPiece(value: unknown): CallPiece {
  if (!isFields(value) || !isFields(value['function'])) throw malformed();
  const { name, arguments: given } = value['function'];
  const { index } = value;
  return {
    index: isCount(index) ? index : null,
    name: typeof name === 'string' && name !== '' ? name : null,
    arguments: typeof given === 'string' ? given : '',
  };
}

function readUsage(value: unknown): Usage | null {
  if (!isFields(value)) return null;
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = value;
  if (!isCount(promptTokens) || !isCount(completionTokens)) return null;
  const details = value['prompt_tokens_details'];
  const cached = isFields(details) ? details['cached_tokens'] : undefined;
  return {
    promptTokens,
    completionTokens,
    cachedTokens: isCount(cached) ? Math.min(cached, promptTokens) : 0,
  };
}

function parseObject(data: string): Fields {
  try {
    const value: unknown = JSON.parse(data);
    if (isFields(value)) return value;
  } catch {
    // What is no JSON is no chunk either.
  }
  throw malformed();
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function malformed(): StenoError {
  return new StenoError('engine_failed', `the model's backend sent a piece that is no part of an answer`, {
    retryable: true,
  });
}
