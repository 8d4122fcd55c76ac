/**
 * @import { Part } from '../steno-client.js'
 * @import { Failure, FeedbackPart, Request } from './request.js'
 */

/**
 * What a client is doing: at most one connection, and what is asked over it. Plain data; `step` computes the next one.
 *
 * @typedef {object} Session
 * @property {Options} options
 * @property {'idle' | 'connecting' | 'open' | 'waiting' | 'closed'} connection
 * @property {number} socket  Number of the latest connection: what comes from an earlier one is ignored.
 * @property {number} gateway  Index of the gateway in use, or of the next one.
 * @property {number} failures  Connections in a row over which nothing was heard.
 * @property {number} since  When this connection was begun or something was heard on it last.
 * @property {number} retryAt  When the next connection is tried; counts while `waiting`.
 * @property {readonly Request[]} requests  What is not answered yet.
 */

/**
 * @typedef {object} Options
 * @property {readonly string[]} urls
 * @property {string | null} key
 * @property {boolean} renewsKey  Each connection has a key of its own, which whoever opens it asks for.
 * @property {number} giveUpAfterMs
 * @property {number} inactivityMs
 */

/**
 * Something that happened. `now` is on a monotonic clock, `random` from 0 to 1.
 *
 * @typedef {{ now: number, random: number } & (
 *   | { type: 'ask', request: Request }
 *   | { type: 'stop', key: number }
 *   | { type: 'opened', socket: number, key: string | null }
 *   | { type: 'frame', socket: number, text: string }
 *   | { type: 'closed', socket: number, code: number }
 *   | { type: 'tick' }
 *   | { type: 'close' }
 * )} Input
 */

/**
 * Something to do.
 *
 * @typedef {{ type: 'connect', socket: number, url: string }
 *   | { type: 'send', frame: object }
 *   | { type: 'drop' }
 *   | { type: 'part', key: number, part: Part | FeedbackPart, place: { token: string | null, inferenceId: string | null } }
 *   | { type: 'end', key: number, failure: Failure | null }} Effect
 */

/** A connection that has not opened for so long is dropped. */
export const CONNECT_MS = 10_000;

/**
 * @param {Options} options
 * @returns {Session}
 */
export function openSession(options) {
  return {
    ...{ options, connection: 'idle', socket: 0, gateway: 0, failures: 0 },
    ...{ since: 0, retryAt: 0, requests: [] },
  };
}

/**
 * When something falls due if nothing happens before.
 *
 * @param {Session} session
 * @returns {number} on the same clock; Infinity if nothing does
 */
export function nextWake({ options, connection, since, retryAt, requests }) {
  const due = requests.map(({ heardAt }) => heardAt + options.giveUpAfterMs);
  if (connection === 'waiting') due.push(retryAt);
  if (connection === 'connecting') due.push(since + CONNECT_MS);
  if (connection === 'open' && requests.length > 0) {
    due.push(since + options.inactivityMs);
    for (const request of requests) if (request.retryAt !== null) due.push(request.retryAt);
  }
  return Math.min(...due);
}
