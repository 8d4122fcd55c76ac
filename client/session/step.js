/**
 * @import { Part } from '../steno-client.js'
 * @import { Effect, Input, Session } from './session.js'
 * @import { Request } from './request.js'
 * @import { Turn } from './turn.js'
 */
import { askWaiting } from './asking.js';
import { connect, leave, lost, rest, RESTART } from './connecting.js';
import { CLOSED, silence, TOO_LARGE, UNAUTHORIZED } from './failures.js';
import { received } from './receiving.js';
import { parseServerFrame } from './server-frame.js';
import { CONNECT_MS, nextWake } from './session.js';
import { change, end, replace } from './turn.js';

/** A timer that comes so late has slept with its machine: that time was nobody's silence. */
const ASLEEP_MS = 5_000;
const TOO_LARGE_CODE = 1009;
const UNAUTHORIZED_CODE = 4401;
/** @type {Part} */
const NEVER_SENT = {
  ...{ type: 'done', seq: -1, outcome: 'cancelled' },
  ...{ finishReason: null, model: null, usage: null },
};

/**
 * The whole behaviour of a client, without a socket or a clock: what happened goes in, the next session and what is to
 * be done come out.
 *
 * @param {Session} before
 * @param {Input} input
 * @returns {{ session: Session, effects: readonly Effect[] }}
 */
export function step(before, input) {
  /** @type {Turn} */
  const turn = { session: before, effects: [], now: input.now, random: input.random };
  if ('socket' in input && input.socket !== before.socket) return turn;
  switch (input.type) {
    case 'ask':
      ask(turn, input.request);
      break;
    case 'stop':
      stop(turn, input.key);
      break;
    case 'opened':
      opened(turn, input.key);
      break;
    case 'frame':
      received(turn, parseServerFrame(input.text));
      break;
    case 'closed':
      closed(turn, input.code);
      break;
    case 'tick':
      tick(turn);
      break;
    case 'close':
      close(turn);
      break;
  }
  rest(turn);
  return { session: turn.session, effects: turn.effects };
}

/** @type {(turn: Turn, request: Request) => void} */
function ask(turn, request) {
  const { connection, requests } = turn.session;
  if (connection === 'closed') {
    turn.effects.push({ type: 'end', key: request.key, failure: CLOSED });
    return;
  }
  change(turn, { requests: [...requests, request] });
  if (connection === 'open') {
    // An idle connection was silent with good reason.
    if (requests.length === 0) change(turn, { since: turn.now });
    askWaiting(turn);
  }
  if (connection === 'idle') connect(turn);
}

/** @type {(turn: Turn, key: number) => void} */
function stop(turn, key) {
  const request = turn.session.requests.find((one) => one.key === key);
  if (request === undefined) return;
  if (request.frame !== null && request.token === null && !request.everSent) {
    turn.effects.push({ type: 'part', key, part: NEVER_SENT, place: request });
    return end(turn, key, null);
  }
  replace(turn, { ...request, stopped: true });
  if (turn.session.connection === 'open') askWaiting(turn);
}

/** @type {(turn: Turn, key: string | null) => void} */
function opened(turn, key) {
  change(turn, { connection: 'open', since: turn.now });
  // Who has none yet may say so with an empty one.
  if (key !== null && key !== '') turn.effects.push({ type: 'send', frame: { type: 'auth', key } });
  askWaiting(turn);
}

/** @type {(turn: Turn, code: number) => void} */
function closed(turn, code) {
  const { requests, failures, options } = turn.session;
  // A key that was good has ended: the next connection has another. A fresh one that is refused is no good.
  const isFinal = code === UNAUTHORIZED_CODE && !(options.renewsKey && failures === 0);
  if (isFinal) for (const { key } of requests) end(turn, key, UNAUTHORIZED);
  const largest = code === TOO_LARGE_CODE ? largestUnheard(requests) : undefined;
  if (largest !== undefined) end(turn, largest.key, TOO_LARGE);
  lost(turn, code);
}

/**
 * The gateway does not say which frame was too large for it.
 *
 * @type {(requests: readonly Request[]) => Request | undefined}
 */
function largestUnheard(requests) {
  const size = (/** @type {Request} */ { frame }) => JSON.stringify(frame).length;
  const unheard = requests.filter(({ sent, token, frame }) => sent && token === null && frame !== null);
  return unheard.sort((a, b) => size(b) - size(a))[0];
}

/** @type {(turn: Turn) => void} */
function tick(turn) {
  const late = turn.now - nextWake(turn.session);
  if (late > ASLEEP_MS) {
    const requests = turn.session.requests.map((one) => ({ ...one, heardAt: one.heardAt + late }));
    change(turn, { requests });
  }
  const { options, connection, since, retryAt } = turn.session;
  for (const request of turn.session.requests) {
    if (turn.now - request.heardAt < options.giveUpAfterMs) continue;
    end(turn, request.key, request.problem ?? silence(turn.session));
  }
  const { requests } = turn.session;
  if (requests.length === 0) return;
  if (connection === 'waiting' && turn.now >= retryAt) connect(turn);
  const patience = connection === 'open' ? options.inactivityMs : CONNECT_MS;
  const isDue = turn.now - since >= patience;
  if ((connection === 'open' || connection === 'connecting') && isDue) return leave(turn, RESTART);
  if (connection !== 'open') return;
  for (const one of requests)
    if (one.retryAt !== null && turn.now >= one.retryAt) replace(turn, { ...one, retryAt: null });
  askWaiting(turn);
}

/** @type {(turn: Turn) => void} */
function close(turn) {
  if (turn.session.connection === 'closed') return;
  for (const { key } of turn.session.requests) end(turn, key, CLOSED);
  turn.effects.push({ type: 'drop' });
  change(turn, { connection: 'closed', socket: turn.session.socket + 1 });
}
