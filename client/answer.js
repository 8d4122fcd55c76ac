/** @import { Answer, DonePart, Part, Position } from './steno-client.js' */
import { StenoError } from './steno-error.js';

/**
 * Who reads something that was asked for.
 *
 * @typedef {object} Reader
 * @property {(part: any, place: { token: string | null, inferenceId: string | null }) => void} push
 * @property {(error: StenoError | null) => void} end  Safe to call twice: the first end counts.
 */

/**
 * An answer and what feeds it.
 *
 * @param {{ id: string, position: Position | null, stop: () => void }} options
 * @returns {{ answer: Answer, reader: Reader }}
 */
export function openAnswer({ id, position, stop }) {
  /** @type {Part[]} */
  const parts = [];
  /** @type {(() => void)[]} */
  let waiting = [];
  let hasEnded = false;
  /** @type {StenoError | null} */
  let failure = null;
  /** @type {{ token?: string, inferenceId?: string } | null} */
  let place = position;
  let after = position?.after ?? -1;

  function wake() {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  /** @returns {AsyncGenerator<Part, void, undefined>} */
  async function* read() {
    for (let next = 0; ; next += 1) {
      while (next >= parts.length && !hasEnded) {
        await /** @type {Promise<void>} */ (new Promise((resolve) => waiting.push(resolve)));
      }
      const part = parts[next];
      if (part === undefined) break;
      if ('seq' in part) after = Math.max(after, part.seq);
      yield part;
    }
    if (failure !== null) throw failure;
  }

  /** @type {Answer} */
  const answer = {
    id,
    get position() {
      return place === null ? null : { ...place, after };
    },
    [Symbol.asyncIterator]: read,
    async text(onText) {
      let text = '';
      for await (const part of read()) {
        if (part.type !== 'text' && part.type !== 'reset') continue;
        text = part.type === 'text' ? text + part.text : '';
        onText?.(text);
      }
      return text;
    },
    async done() {
      /** @type {DonePart | null} */
      let done = null;
      for await (const part of read()) if (part.type === 'done') done = part;
      if (done === null) throw new StenoError('no_answer', 'the answer has no end');
      return done;
    },
    stop,
  };
  return {
    answer,
    reader: {
      push(part, { token, inferenceId }) {
        if (hasEnded) return;
        if (token !== null) place = inferenceId === null ? { token } : { token, inferenceId };
        parts.push(part);
        wake();
      },
      end(error) {
        if (hasEnded) return;
        hasEnded = true;
        failure = error;
        wake();
      },
    },
  };
}
