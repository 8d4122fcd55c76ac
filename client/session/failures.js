/**
 * @import { Session } from './session.js'
 * @import { Failure } from './request.js'
 */

/** @type {Failure} */
export const CLOSED = { code: 'closed', message: 'the client was closed' };

/** @type {Failure} */
export const UNAUTHORIZED = {
  code: 'invalid_api_key',
  message: 'the gateway wants an API key that it knows',
  fix: 'give connect a valid key',
};

/** @type {Failure} */
export const TOO_LARGE = {
  code: 'too_large',
  message: 'the message is larger than the gateway takes',
  fix: 'shorten it, or raise STENO_MAX_MESSAGE_BYTES at the gateway',
};

/**
 * What is told of a request that nobody said anything about for too long.
 *
 * @param {Session} session
 * @returns {Failure}
 */
export function silence({ connection, options }) {
  const seconds = Math.round(options.giveUpAfterMs / 1000);
  if (connection === 'open') {
    return {
      code: 'no_answer',
      message: `the gateway said nothing of this for ${seconds} s`,
      fix: 'resume it later',
      retryable: true,
    };
  }
  return {
    code: 'connection_lost',
    message: `no gateway could be reached for ${seconds} s`,
    fix: 'check the address and the network; a page also needs its origin in STENO_ALLOWED_ORIGINS',
    retryable: true,
  };
}
