import type { Problem } from '../problems.ts';

/** Codes of ours that OpenAI's clients know by another name. */
const CONTEXT = new Set(['too_large', 'prompt_too_large']);

/** Returns how a problem of an answer reads on OpenAI's routes; `param` is what holds the prompt there. */
export function answerProblem(problem: Problem, param: 'messages' | 'input'): Problem {
  if (!CONTEXT.has(problem.code)) return problem;
  return { ...problem, status: 400, code: 'context_length_exceeded', param, retryable: false };
}

/** A stopped answer is half an answer, and nobody may take it for a whole one. */
export const stopped: Problem = {
  status: 409,
  code: 'cancelled',
  message: 'the answer was stopped before its end',
  param: null,
  fix: 'read what was said in the history',
  retryable: false,
  retryAfterMillis: null,
};

/** On OpenAI's routes text cannot be taken back. */
export const streamReset: Problem = {
  status: 409,
  code: 'stream_reset',
  message: 'the answer began anew, and what was streamed of it no longer holds',
  param: null,
  fix: 'repeat the call with the same Idempotency-Key, or resume the stream, for the recorded answer',
  retryable: true,
  retryAfterMillis: null,
};

/** For a client whose connection holds more unread than it may. */
export const tooSlow: Problem = {
  status: 503,
  code: 'slow_reader',
  message: 'the stream was read too slowly; the answer goes on',
  param: null,
  fix: 'repeat the call with the same Idempotency-Key, or resume the stream',
  retryable: true,
  retryAfterMillis: null,
};
