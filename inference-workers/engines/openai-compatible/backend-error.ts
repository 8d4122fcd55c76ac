import type { IncomingHttpHeaders } from 'node:http';
import { StenoError } from '../../../runtime/errors.ts';

/** What a backend says of an error, in one of several dialects. Its free text may quote a prompt: it goes nowhere. */
export type ErrorBody = {
  /** A stable name, such as `context_length_exceeded`, or '' where there is none. */
  readonly code: string;
  readonly isContextTooLong: boolean;
};

/** The wait that is assumed where a backend names none. */
const DEFAULT_RETRY_AFTER_MS = 1_000;
const NAME = /^[a-zA-Z][\w.-]{0,63}$/;
const TOO_LONG = /context.{0,20}(length|size|window|limit)|prompt is too long|too many (input )?tokens/i;

/**
 * Turns an answer other than 200 into the engine's errors. Retryable ones say `retryAfterMs` in their facts where the
 * backend did.
 */
export function statusError(status: number, headers: IncomingHttpHeaders, body: string): StenoError {
  const error = readErrorBody(body);
  const facts = { status, backendCode: error.code };
  const failed = (why: string, fix?: string): StenoError =>
    new StenoError('engine_failed', `the model's backend ${why}`, {
      facts,
      ...(fix === undefined ? {} : { fix }),
    });
  if (status === 401 || status === 403) {
    return failed(
      `refused the key (${status})`,
      'set the API key in the variable that the model entry names as apiKeyEnv',
    );
  }
  if (status === 404) {
    return new StenoError('model_not_loaded', `the model's backend does not know the model (404)`, {
      fix: 'check baseUrl, which ends in /v1 for most backends, and the name of the model there',
      facts,
    });
  }
  if (error.code === 'insufficient_quota' || status === 402) {
    return failed('has no credit left for this key', 'raise the quota of the account');
  }
  if (status === 413 || (status < 500 && status !== 429 && error.isContextTooLong)) return tooLong(facts);
  if (status === 429) {
    const retryAfterMs = readRetryAfter(headers, Date.now()) ?? DEFAULT_RETRY_AFTER_MS;
    return unavailable(`asks for a pause (429)`, { ...facts, retryAfterMs });
  }
  if (status >= 500 || status === 408 || status === 409 || status === 425) {
    const retryAfterMs = readRetryAfter(headers, Date.now()) ?? undefined;
    return unavailable(`cannot answer (${status})`, { ...facts, retryAfterMs });
  }
  const named = error.code === '' ? '' : `, ${error.code}`;
  return failed(
    `refused the request (${status}${named})`,
    'check baseUrl and model of the entry; a parameter that the backend does not take is left out with omit',
  );
}

/** The error that stands in the middle of a stream that began with 200. */
export function streamError(value: unknown): StenoError {
  const { code, isContextTooLong } = describe(value);
  if (isContextTooLong) return tooLong({ backendCode: code });
  return new StenoError('engine_failed', `the model's backend failed while it answered`, {
    retryable: true,
    facts: { backendCode: code },
  });
}

export function unavailable(why: string, facts: StenoError['facts'] = {}, cause?: unknown): StenoError {
  return new StenoError('engine_unavailable', `the model's backend ${why}`, {
    retryable: true,
    facts,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Milliseconds of `retry-after-ms` or `retry-after` (seconds or a date); null where neither is readable. */
export function readRetryAfter(headers: IncomingHttpHeaders, now: number): number | null {
  const millis = Number(headers['retry-after-ms'] ?? NaN);
  if (Number.isFinite(millis) && millis >= 0) return millis;
  const after = headers['retry-after'];
  if (after === undefined || after === '') return null;
  const seconds = Number(after);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1_000 : null;
  const date = Date.parse(after);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

function tooLong(facts: StenoError['facts']): StenoError {
  return new StenoError('prompt_too_large', `the prompt is too long for the model's backend`, {
    fix: 'set contextLength of the model entry to what the backend takes',
    facts,
  });
}

function readErrorBody(body: string): ErrorBody {
  try {
    // Whatever a server sends with an error: an object, if it speaks the API.
    const value = JSON.parse(body) as { readonly error?: unknown } | null;
    return describe(value?.error ?? value);
  } catch {
    return describe(null);
  }
}

/** OpenAI, vLLM and Steno send an object with message, type and code; Ollama sometimes a bare sentence. */
function describe(error: unknown): ErrorBody {
  if (typeof error === 'string') return { code: '', isContextTooLong: TOO_LONG.test(error) };
  if (typeof error !== 'object' || error === null) return { code: '', isContextTooLong: false };
  const { code, type, message } = error as Readonly<Record<string, unknown>>; // fields of an object, each checked
  const name = [code, type].find((text): text is string => typeof text === 'string' && NAME.test(text)) ?? '';
  const isContextTooLong =
    /context_(length|size|window)|prompt_too_large/.test(name) ||
    (typeof message === 'string' && TOO_LONG.test(message));
  return { code: name, isContextTooLong };
}
