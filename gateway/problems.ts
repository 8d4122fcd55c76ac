import { StenoError, errorCode } from '../runtime/errors.ts';
import { CodecError } from '../schemas/codec-error.ts';

/** What a client is told of a failure, on every transport. */
export type Problem = {
  readonly status: number;
  /** Stable and in snake_case. */
  readonly code: string;
  readonly message: string;
  /** The field that is wrong, if one is. */
  readonly param: string | null;
  /** One sentence that tells a person what to do. */
  readonly fix: string | null;
  /** True if the same request may succeed later. */
  readonly retryable: boolean;
  /** When to try again; null where no wait is known to help. */
  readonly retryAfterMillis: number | null;
};

const STATUS: Readonly<Record<string, number>> = {
  invalid_json: 400,
  invalid_request: 400,
  unknown_field: 400,
  context_length_exceeded: 400,
  content_filter: 400,
  previous_response_not_found: 400,
  bad_cursor: 400,
  prompt_too_large: 400,
  invalid_api_key: 401,
  host_not_allowed: 403,
  origin_not_allowed: 403,
  permission_denied: 403,
  not_found: 404,
  model_not_found: 404,
  parent_not_found: 404,
  cancelled: 409,
  config_conflict: 409,
  conversation_busy: 409,
  erased: 410,
  too_large: 413,
  record_too_large: 413,
  unsupported_media_type: 415,
  idempotency_mismatch: 422,
  stream_reset: 409,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  not_supported: 501,
  append_unknown: 503,
  breaker_open: 503,
  draining: 503,
  engine_unavailable: 503,
  model_not_loaded: 503,
  model_not_served: 503,
  overloaded: 503,
  registry_unreachable: 503,
  store_unavailable: 503,
  unavailable: 503,
  answer_timeout: 504,
  timeout: 504,
};

/** Waits are kept short: the OpenAI SDKs sleep whatever they are told. */
const RETRY_AFTER_MS = 1_000;

/** Returns an error to throw where a request is refused. `code` decides the status. */
export function refuse(
  code: string,
  message: string,
  options: { param?: string | null; fix?: string; retryAfterMillis?: number; cause?: unknown } = {},
): StenoError {
  return new StenoError(code, message, {
    retryable: canRetry(code),
    facts: { param: options.param ?? null, retryAfterMillis: options.retryAfterMillis },
    ...(options.fix === undefined ? {} : { fix: options.fix }),
    ...(options.cause === undefined ? {} : { cause: options.cause }),
  });
}

/** Returns the error of a key that another request was sent with before. */
export function keyMismatch(): StenoError {
  return refuse('idempotency_mismatch', 'this Idempotency-Key was used for another message', {
    fix: 'use a fresh key for a fresh message',
  });
}

/** Returns the error of whatever is asked of a gateway that drains and takes nothing new. */
export function goesAway(): StenoError {
  return refuse('draining', 'this gateway is going away', { fix: 'ask another one, or this address again' });
}

/** Returns what a client is told of anything that was thrown; what nobody expected says nothing of its inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof CodecError && error.code === 'invalid_event') {
    return problem('invalid_request', 'the request does not fit the event it would become', {});
  }
  const code = errorCode(error);
  if (!(error instanceof StenoError) || STATUS[code] === undefined) {
    return problem('internal_error', 'the gateway failed to answer this request', {});
  }
  const { param, retryAfterMillis } = error.facts;
  return problem(code, error.message, {
    param: typeof param === 'string' ? param : null,
    fix: error.fix ?? null,
    retryable: error.retryable,
    ...(typeof retryAfterMillis === 'number' ? { retryAfterMillis } : {}),
  });
}

/** Returns the problem of an inference that ended in failure or was rejected. */
export function endProblem(code: string | null, reason: string | null, retryable: boolean): Problem {
  return problem(code ?? 'engine_error', reason ?? 'the answer could not be produced', { retryable });
}

function problem(code: string, message: string, fields: Partial<Problem>): Problem {
  const status = STATUS[code] ?? 500;
  const retryable = fields.retryable ?? canRetry(code);
  return {
    status,
    code,
    message,
    param: null,
    fix: null,
    retryable,
    retryAfterMillis:
      retryable && (status === 503 || status === 429 || status === 409) ? RETRY_AFTER_MS : null,
    ...fields,
  };
}

function canRetry(code: string): boolean {
  const status = STATUS[code];
  if (code === 'insufficient_quota') return false;
  return status === 429 || status === 503 || status === 504 || code === 'conversation_busy';
}

/** The body of an HTTP error: OpenAI's four keys, always. */
export function problemBody(problem: Problem): string {
  const { message, param, code, fix } = problem;
  return JSON.stringify({
    error: {
      message: fix === null ? message : `${message}; ${fix}`,
      type: typeOf(problem.status),
      param,
      code,
    },
  });
}

/** The headers that go with an HTTP error: the signals the SDKs obey. */
export function problemHeaders(problem: Problem): Readonly<Record<string, string>> {
  const { status, retryable, retryAfterMillis } = problem;
  const headers: Record<string, string> = {};
  if (retryAfterMillis !== null) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMillis / 1000)));
    headers['retry-after-ms'] = String(retryAfterMillis);
  }
  if (!retryable && (status >= 500 || status === 409 || status === 422 || status === 429)) {
    headers['x-should-retry'] = 'false';
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  return headers;
}

function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
