/**
 * @import { Connection, WebSocketConstructor, WebSocketLike } from './steno-client.js'
 * @import { Effect, Input, Options } from './session/session.js'
 */
import { nextWake, openSession } from './session/session.js';
import { step } from './session/step.js';

/**
 * What has happened, but for when.
 *
 * @typedef {Input extends infer One ? One extends Input ? Omit<One, 'now' | 'random'> : never : never} Happened
 */

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const NORMAL = 1000;
const ABNORMAL = 1006;

/**
 * Runs a session: its one socket, its one timer, the clock. All decisions are in `step`.
 *
 * @param {object} options
 * @param {Options} options.session
 * @param {WebSocketConstructor} options.WebSocket
 * @param {(() => string | Promise<string>) | null} options.renewKey  asked before each connection
 * @param {(effect: Extract<Effect, { type: 'part' | 'end' }>) => void} options.onEffect
 * @param {((connection: Connection) => void) | undefined} options.onConnection
 * @returns {(happened: Happened) => void}  tells the session what has happened
 */
export function openConnection({ session: options, WebSocket, renewKey, onEffect, onConnection }) {
  let session = openSession(options);
  /** @type {WebSocketLike | null} */
  let socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let timerAt = Infinity;
  /** @type {Happened[]} */
  const queue = [];
  let isRunning = false;

  /** @param {Happened} happened */
  function tell(happened) {
    queue.push(happened);
    // What happens while effects run waits for its turn.
    if (isRunning) return;
    isRunning = true;
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) run(next);
    } finally {
      isRunning = false;
      arm();
    }
  }

  /** @param {Happened} happened */
  function run(happened) {
    const { connection, gateway } = session;
    const taken = step(session, { ...happened, now: performance.now(), random: Math.random() });
    session = taken.session;
    for (const effect of taken.effects) perform(effect);
    if (session.connection !== connection || session.gateway !== gateway) announce();
  }

  /** @param {Effect} effect */
  function perform(effect) {
    switch (effect.type) {
      case 'connect':
        return renewKey === null ? open(effect, options.key) : void renew(renewKey, effect);
      case 'send':
        return socket?.send(JSON.stringify(effect.frame));
      case 'drop':
        socket?.close(NORMAL);
        socket = null;
        return;
      default:
        onEffect(effect);
    }
  }

  /**
   * @param {() => string | Promise<string>} ask
   * @param {{ url: string, socket: number }} connection
   */
  async function renew(ask, connection) {
    /** @type {string} */
    let key;
    try {
      key = await ask();
    } catch {
      // Whoever makes keys is away, as a gateway may be.
      return tell({ type: 'closed', socket: connection.socket, code: ABNORMAL });
    }
    // It may have come too late for a connection that nobody waits for any more.
    if (session.socket === connection.socket) open(connection, key);
  }

  /**
   * @param {{ url: string, socket: number }} connection
   * @param {string | null} key
   */
  function open({ url, socket: number }, key) {
    /** @type {WebSocketLike} */
    let opened;
    try {
      opened = new WebSocket(url);
    } catch {
      // A browser refuses plain ws to a page that came over TLS. Another gateway may do.
      socket = null;
      return tell({ type: 'closed', socket: number, code: ABNORMAL });
    }
    socket = opened;
    opened.addEventListener('open', () => tell({ type: 'opened', socket: number, key }));
    opened.addEventListener('message', ({ data }) =>
      tell({ type: 'frame', socket: number, text: String(data) }),
    );
    // What an error means is told by the close that follows.
    opened.addEventListener('error', () => {});
    opened.addEventListener('close', ({ code }) => tell({ type: 'closed', socket: number, code }));
  }

  /** A timer that comes too early is set again: most frames only move the time at which something falls due. */
  function arm() {
    const wakeAt = nextWake(session);
    if (wakeAt === Infinity) {
      clearTimeout(timer);
      timerAt = Infinity;
      return;
    }
    if (wakeAt >= timerAt) return;
    clearTimeout(timer);
    timerAt = wakeAt;
    timer = setTimeout(
      () => {
        timerAt = Infinity;
        tell({ type: 'tick' });
      },
      Math.min(Math.max(wakeAt - performance.now(), 0), LONGEST_TIMER_MS),
    );
  }

  function announce() {
    if (onConnection === undefined) return;
    const { connection: state, gateway } = session;
    const told = { state, url: options.urls[gateway] ?? '' };
    // What the page does with it must not get into the way of the connection.
    queueMicrotask(() => onConnection(told));
  }

  return tell;
}
