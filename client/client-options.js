/**
 * @import { ClientOptions, WebSocketConstructor } from './steno-client.js'
 * @import { Options } from './session/session.js'
 */
import { StenoError } from './steno-error.js';

const PATH = '/v1/chat';
const GIVE_UP_AFTER_MS = 120_000;
const INACTIVITY_MS = 30_000;

/**
 * Checks what a caller has set. Throws StenoError `invalid_option`.
 *
 * @param {ClientOptions} options
 * @returns {{ session: Options, WebSocket: WebSocketConstructor, renewKey: (() => string | Promise<string>) | null }}
 */
export function readOptions({ url, key, WebSocket, giveUpAfterMs, inactivityMs }) {
  const urls = (typeof url === 'string' ? [url] : (url ?? ownOrigin())).map(webSocketUrl);
  if (urls.length === 0) throw refuse('url', 'no gateway is named');
  const constructor = WebSocket ?? /** @type {WebSocketConstructor | undefined} */ (globalThis.WebSocket);
  if (constructor === undefined) throw refuse('WebSocket', 'there is no global WebSocket here');
  if (key !== undefined && typeof key !== 'string' && typeof key !== 'function')
    throw refuse('key', 'the key is neither a text nor a function that returns one');
  return {
    renewKey: typeof key === 'function' ? key : null,
    session: {
      urls,
      key: typeof key === 'string' ? key : null,
      renewsKey: typeof key === 'function',
      giveUpAfterMs: duration('giveUpAfterMs', giveUpAfterMs ?? GIVE_UP_AFTER_MS),
      inactivityMs: duration('inactivityMs', inactivityMs ?? INACTIVITY_MS),
    },
    WebSocket: constructor,
  };
}

/**
 * A gateway's address as its WebSocket's: https becomes wss, and a path before `/v1/chat` is kept.
 *
 * @param {string} address
 * @returns {string}
 */
export function webSocketUrl(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    throw refuse('url', 'an address of a gateway is no URL');
  }
  if (!/^(http|ws)s?:$/.test(url.protocol)) throw refuse('url', `a gateway cannot be at ${url.protocol}`);
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.protocol.replace('http', 'ws')}//${url.host}${path.endsWith(PATH) ? path : path + PATH}`;
}

/** @returns {readonly string[]} */
function ownOrigin() {
  const { location } = globalThis;
  return location === undefined ? [] : [location.origin];
}

/**
 * @param {string} name
 * @param {number} millis
 */
function duration(name, millis) {
  if (millis > 0) return millis;
  throw refuse(name, `${name} is no duration in milliseconds`);
}

/**
 * @param {string} param
 * @param {string} message
 */
function refuse(param, message) {
  return new StenoError('invalid_option', message, { param, fix: `give connect another ${param}` });
}
