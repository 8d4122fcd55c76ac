/**
 * @import { Effect, Session } from './session.js'
 * @import { Failure, Request } from './request.js'
 */

/**
 * A step in the making: the session so far, what is to be done, and when it happens.
 *
 * @typedef {{ session: Session, effects: Effect[], now: number, random: number }} Turn
 */

/** @type {(turn: Turn, changed: Partial<Session>) => void} */
export function change(turn, changed) {
  turn.session = { ...turn.session, ...changed };
}

/** @type {(turn: Turn, request: Request) => void} */
export function replace(turn, request) {
  change(turn, { requests: turn.session.requests.map((one) => (one.key === request.key ? request : one)) });
}

/** @type {(turn: Turn, key: number, failure: Failure | null) => void} */
export function end(turn, key, failure) {
  turn.effects.push({ type: 'end', key, failure });
  change(turn, { requests: turn.session.requests.filter((one) => one.key !== key) });
}
