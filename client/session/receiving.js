/**
 * @import { Request, Taken } from './request.js'
 * @import { ServerFrame } from './server-frame.js'
 * @import { Session } from './session.js'
 * @import { Turn } from './turn.js'
 */
import { askWaiting } from './asking.js';
import { leave, OVERLOAD, RESTART } from './connecting.js';
import { pauseAfter } from './pause.js';
import { isNameless, takeFrame } from './request.js';
import { change, end, replace } from './turn.js';

/**
 * Codes with which a gateway refuses every message, and the close code that means the same.
 *
 * @type {Readonly<Record<string, number>>}
 */
const REFUSES_ALL = { draining: RESTART, overloaded: OVERLOAD };

/** @type {(turn: Turn, frame: ServerFrame | null) => void} */
export function received(turn, frame) {
  change(turn, { since: turn.now });
  if (frame === null) return;
  if (frame.type === 'draining') {
    // With one gateway only, it is read to the end: what it still says need not be asked for again.
    if (turn.session.options.urls.length > 1) leave(turn, RESTART);
    return;
  }
  for (const request of aboutWhom(turn.session.requests, frame)) {
    const known = request.inferenceId ?? (frame.type === 'error' ? null : (frame.inference_id ?? null));
    take(turn, takeFrame({ ...request, inferenceId: known }, frame, turn.now));
  }
  askWaiting(turn);
  const code = frame.type === 'error' ? REFUSES_ALL[frame.code] : undefined;
  if (code !== undefined && hasNothingHere(turn.session)) leave(turn, code);
}

/** @type {(turn: Turn, taken: Taken) => void} */
function take(turn, taken) {
  const { request, parts } = taken;
  // A connection that brings nothing but refusals is as good as none.
  if (taken.verdict !== 'again') change(turn, { failures: 0 });
  for (const part of parts) turn.effects.push({ type: 'part', key: request.key, part, place: request });
  if (taken.verdict === 'ended') return end(turn, request.key, null);
  if (taken.verdict === 'failed') return end(turn, request.key, taken.failure);
  if (taken.verdict === 'goes-on') return replace(turn, request);
  const { failures } = request;
  const waitMs = Math.max(taken.waitMs, pauseAfter({ failures, random: turn.random }));
  const asked = { sent: false, stopSent: false, failures: failures + 1, retryAt: turn.now + waitMs };
  replace(turn, { ...request, ...asked });
}

/**
 * A frame names its message, its answer, or both; one about a resume by token alone may name an answer nobody knows yet.
 *
 * @param {readonly Request[]} requests
 * @param {Exclude<ServerFrame, { type: 'draining' }>} frame
 * @returns {readonly Request[]}
 */
function aboutWhom(requests, frame) {
  const name = 'id' in frame ? frame.id : null;
  const named = requests.filter(({ id }) => id === name);
  if (named.length > 0) return named;
  const known = requests.filter(
    ({ inferenceId }) => inferenceId !== null && inferenceId === frame.inference_id,
  );
  if (known.length > 0) return known;
  if (frame.inference_id !== undefined) return requests.filter((one) => one.sent && isNameless(one));
  if (typeof name === 'string') return [];
  const unheard = requests.filter((one) => one.sent && (one.token === null || isNameless(one)));
  return unheard.length === 1 ? unheard : [];
}

/**
 * True if nothing is to come on this connection, and there is another gateway.
 *
 * @type {(session: Session) => boolean}
 */
function hasNothingHere({ options, connection, requests }) {
  return connection === 'open' && options.urls.length > 1 && requests.every(({ sent }) => !sent);
}
