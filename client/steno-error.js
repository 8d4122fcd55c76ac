/** @import { StenoErrorOptions } from './steno-client.js' */

/** Every error of this client; `code` is stable, `retryable` says whether the same may succeed later. */
export class StenoError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {StenoErrorOptions} [options]
   */
  constructor(code, message, { retryable = false, fix = null, param = null, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = /** @type {const} */ ('StenoError');
    this.code = code;
    this.retryable = retryable;
    this.fix = fix;
    this.param = param;
  }
}
