/**
 * @import { Part, DonePart, StenoErrorOptions } from '../steno-client.js'
 * @import { AcceptedFrame, FeedbackFrame, DoneFrame, ErrorFrame, ServerFrame } from './server-frame.js'
 */

/**
 * Something asked of the gateways, over all connections: a message and its answer, a resumed answer, or feedback.
 *
 * @typedef {object} Request
 * @property {number} key  Unlike the id it is never used twice.
 * @property {string} id  What the gateways are told it is called; of a message and of feedback its idempotency key.
 * @property {object | null} frame  What asks for it, sent unchanged until it is accepted; null for a resume.
 * @property {string | null} token  Resume token; null before the message is accepted, and where an answer is resumed by its id.
 * @property {string | null} inferenceId
 * @property {number} lastSeq  Seq of the last frame that was taken; -1 before the first.
 * @property {boolean} stopped  Whether the answer is to be stopped.
 * @property {boolean} everSent
 * @property {boolean} sent  Whether it was asked for on this connection.
 * @property {boolean} stopSent  Whether it was asked to stop on this connection.
 * @property {boolean} doubted  Whether an end was doubted already, because frames before it were missing.
 * @property {number | null} retryAt  When it is asked for again on this connection.
 * @property {number} failures  Refusals in a row.
 * @property {number} heardAt  When something was heard of it last, or when it was asked for.
 * @property {Failure | null} problem  Why it was refused last; what is told if it is given up.
 */

/** What comes in order need not be asked for again. */
const FLOWING = { sent: true, retryAt: null };

/** @typedef {{ code: string, message: string } & StenoErrorOptions} Failure */

/** @typedef {{ type: 'feedback', feedbackId: string }} FeedbackPart */

/**
 * What a frame meant: parts for the consumer, and what becomes of the request. `again`: ask once more, the answer goes
 * on after its cursor.
 *
 * @typedef {{ request: Request, parts: readonly (Part | FeedbackPart)[], verdict: 'goes-on' }
 *   | { request: Request, parts: readonly (Part | FeedbackPart)[], verdict: 'ended' }
 *   | { request: Request, parts: readonly [], verdict: 'again', waitMs: number }
 *   | { request: Request, parts: readonly [], verdict: 'failed', failure: Failure }} Taken
 */

/**
 * @param {{ key: number, id: string, frame: object | null, token?: string | null, inferenceId?: string | null, after?: number, now: number }} facts
 * @returns {Request}
 */
export function openRequest({ key, id, frame, token = null, inferenceId = null, after = -1, now }) {
  return {
    ...{ key, id, frame, token, inferenceId, lastSeq: after, heardAt: now },
    ...{ stopped: false, everSent: false, sent: false, stopSent: false, doubted: false },
    ...{ retryAt: null, failures: 0, problem: null },
  };
}

/**
 * The frame that asks for it on a fresh connection: the message itself until a gateway has accepted it, then a resume.
 *
 * @param {Request} request
 * @returns {object}
 */
export function askingFrame({ id, frame, token, inferenceId, lastSeq }) {
  if (token === null && frame !== null) return frame;
  const named = inferenceId === null ? {} : { inference_id: inferenceId };
  return { type: 'resume', id, ...(token === null ? {} : { token }), ...named, after: lastSeq };
}

/**
 * True for an answer that is known by its token alone: its first frame will tell its id.
 *
 * @param {Request} request
 */
export function isNameless({ token, inferenceId }) {
  return token !== null && inferenceId === null;
}

/**
 * Takes the next frame about a request. What came over another connection already is left out, so that nothing is shown
 * twice. A delta that leaves a gap is not shown, an end that does is not believed: both are asked for again.
 *
 * @param {Request} before
 * @param {ServerFrame} frame
 * @param {number} now
 * @returns {Taken}
 */
export function takeFrame(before, frame, now) {
  const request = { ...before, heardAt: now, failures: 0, problem: null };
  const leavesGap = 'seq' in frame && frame.seq !== undefined && frame.seq > before.lastSeq + 1;
  switch (frame.type) {
    case 'accepted':
      return 'feedback_id' in frame ? judged(request, frame) : accepted(request, frame);
    case 'delta':
      if (frame.seq <= request.lastSeq) return goesOn(request);
      if (leavesGap && !before.sent) return goesOn(before);
      if (leavesGap) return again(before);
      return goesOn(
        { ...request, lastSeq: frame.seq, ...FLOWING },
        { type: 'text', seq: frame.seq, text: frame.text },
      );
    case 'reset':
      if (frame.seq <= request.lastSeq) return goesOn(request);
      return goesOn({ ...request, lastSeq: frame.seq }, { type: 'reset', seq: frame.seq });
    case 'done':
      // Doubted once only: an answer told from a record without its pieces ends at another seq than it had.
      if (leavesGap && !before.sent) return goesOn(before);
      if (leavesGap && !before.doubted) return again({ ...before, doubted: true });
      return { request, parts: [doneOf(frame, request.lastSeq)], verdict: 'ended' };
    case 'error':
      return failed(before, frame);
    default:
      return goesOn(request);
  }
}

/**
 * @param {Request} request
 * @param {readonly Part[]} parts
 * @returns {Taken}
 */
function goesOn(request, ...parts) {
  return { request, parts, verdict: 'goes-on' };
}

/**
 * @param {Request} request
 * @param {number} waitMs
 * @returns {Taken}
 */
function again(request, waitMs = 0) {
  return { request, parts: [], verdict: 'again', waitMs };
}

/**
 * @param {Request} request
 * @param {AcceptedFrame} frame
 * @returns {Taken}
 */
function accepted(request, frame) {
  if (request.token !== null) return goesOn(request);
  return goesOn(
    { ...request, token: frame.token, inferenceId: frame.inference_id },
    {
      type: 'accepted',
      inferenceId: frame.inference_id,
      messageId: frame.message_id,
      conversationId: frame.conversation_id,
    },
  );
}

/**
 * @param {Request} request
 * @param {FeedbackFrame} frame
 * @returns {Taken}
 */
function judged(request, frame) {
  return { request, parts: [{ type: 'feedback', feedbackId: frame.feedback_id }], verdict: 'ended' };
}

/**
 * With a seq it is the recorded end; without one only this try has failed, and a retryable one is made again.
 *
 * @param {Request} request
 * @param {ErrorFrame} frame
 * @returns {Taken}
 */
function failed(request, { seq, code, message, retryable, fix, param, retry_after_ms }) {
  const failure = { code, message, retryable, fix: fix ?? null, param: param ?? null };
  if (seq !== undefined || !retryable) return { request, parts: [], verdict: 'failed', failure };
  return again({ ...request, problem: failure }, retry_after_ms);
}

/**
 * @param {DoneFrame} frame
 * @param {number} lastSeq
 * @returns {DonePart}
 */
function doneOf({ seq, outcome, finish_reason, model, usage }, lastSeq) {
  return {
    type: 'done',
    seq: Math.max(seq, lastSeq),
    outcome,
    finishReason: finish_reason,
    model,
    usage: usage && {
      promptTokens: usage.prompt_tokens,
      completionTokens: usage.completion_tokens,
      totalTokens: usage.total_tokens,
      cachedTokens: usage.cached_tokens,
    },
  };
}
