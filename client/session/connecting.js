/**
 * @import { Turn } from './turn.js'
 */
import { pauseAfter } from './pause.js';
import { change } from './turn.js';

/** Close codes of a gateway that goes away, and of one with too much to do. */
export const RESTART = 1012;
export const OVERLOAD = 1013;

/** @type {(turn: Turn) => void} */
export function connect(turn) {
  const socket = turn.session.socket + 1;
  const url = turn.session.options.urls[turn.session.gateway] ?? '';
  change(turn, { connection: 'connecting', socket, since: turn.now });
  turn.effects.push({ type: 'connect', socket, url });
}

/** @type {(turn: Turn, code: number) => void} */
export function leave(turn, code) {
  turn.effects.push({ type: 'drop' });
  lost(turn, code);
}

/**
 * The connection is gone: what is asked will be asked of the next gateway.
 *
 * @type {(turn: Turn, code: number) => void}
 */
export function lost(turn, code) {
  const { options, gateway, failures, requests, socket } = turn.session;
  const gateways = options.urls.length;
  change(turn, {
    connection: 'waiting',
    socket: socket + 1,
    gateway: (gateway + 1) % gateways,
    failures: failures + 1,
    retryAt: turn.now + pauseAfter({ failures, gateways, code, random: turn.random }),
    requests: requests.map((one) => ({ ...one, sent: false, stopSent: false, retryAt: null })),
  });
}

/**
 * Nothing is due: no further connection is made.
 *
 * @type {(turn: Turn) => void}
 */
export function rest(turn) {
  const { connection, requests, socket } = turn.session;
  if (requests.length > 0 || (connection !== 'waiting' && connection !== 'connecting')) return;
  if (connection === 'connecting') turn.effects.push({ type: 'drop' });
  change(turn, { connection: 'idle', socket: socket + 1, failures: 0 });
}
