/**
 * @import { Answer, AskOptions, Position } from './steno-client.js'
 * @import { Reader } from './answer.js'
 * @import { Failure } from './session/request.js'
 */
import { openAnswer } from './answer.js';
import { feedbackFrame, freshId, messageFrame } from './client-frames.js';
import { readOptions } from './client-options.js';
import { openConnection } from './connection.js';
import { openRequest } from './session/request.js';
import { StenoError } from './steno-error.js';

export { StenoError };

/**
 * What is asked for, but for its key and the time.
 *
 * @typedef {Omit<Parameters<typeof openRequest>[0], 'key' | 'now'>} Asked
 */

/** @type {typeof import('./steno-client.js').connect} */
export function connect(options = {}) {
  const { session, WebSocket, renewKey } = readOptions(options);
  /** @type {Map<number, Reader>} */
  const readers = new Map();
  let lastKey = 0;
  const nextKey = () => (lastKey += 1);

  const tell = openConnection({
    session,
    WebSocket,
    renewKey,
    onConnection: options.onConnection,
    onEffect(effect) {
      const reader = readers.get(effect.key);
      if (effect.type === 'part') return reader?.push(effect.part, effect.place);
      readers.delete(effect.key);
      reader?.end(effect.failure === null ? null : errorOf(effect.failure));
    },
  });

  /**
   * @param {number} key
   * @param {Asked} asked
   * @param {Reader} reader
   */
  function ask(key, asked, reader) {
    readers.set(key, reader);
    tell({ type: 'ask', request: openRequest({ ...asked, key, now: performance.now() }) });
  }

  /**
   * @param {Asked} asked
   * @param {Position | null} position
   * @param {AskOptions} options
   * @returns {Answer}
   */
  function follow(asked, position, { signal }) {
    const key = nextKey();
    const stop = () => tell({ type: 'stop', key });
    const { answer, reader } = openAnswer({ id: asked.id, position, stop });
    const abort = () => {
      reader.end(new StenoError('aborted', 'the answer was aborted', { cause: signal?.reason }));
      stop();
    };
    if (signal?.aborted === true) {
      abort();
      return answer;
    }
    signal?.addEventListener('abort', abort);
    ask(key, asked, {
      push: reader.push,
      end(error) {
        signal?.removeEventListener('abort', abort);
        reader.end(error);
      },
    });
    return answer;
  }

  return {
    ask(asked, options = {}) {
      const message = typeof asked === 'string' ? { text: asked } : asked;
      const id = checkId(message.id ?? freshId());
      return follow({ id, frame: messageFrame(message, id) }, null, options);
    },
    resume(position, options = {}) {
      const { token = null, inferenceId = null, after = -1 } = position;
      if (typeof (token ?? inferenceId) !== 'string')
        throw invalid('token', 'there is neither a resume token nor an inference id');
      return follow({ id: freshId(), frame: null, token, inferenceId, after }, position, options);
    },
    feedback(answer, judgement) {
      const id = freshId();
      return new Promise((resolve, reject) => {
        if (!answer?.inferenceId) throw invalid('inferenceId', 'it is not said which answer is judged');
        ask(
          nextKey(),
          { id, frame: feedbackFrame(answer, judgement, id) },
          {
            push: ({ feedbackId }) => resolve(feedbackId),
            end: (error) => reject(error),
          },
        );
      });
    },
    close: () => tell({ type: 'close' }),
  };
}

/** @param {string} id */
function checkId(id) {
  if (/^[\w.:-]{1,128}$/.test(id)) return id;
  throw invalid('id', 'an id has up to 128 letters, digits, "_", "-", "." or ":"');
}

/**
 * @param {string} param
 * @param {string} message
 */
function invalid(param, message) {
  return new StenoError('invalid_option', message, { param });
}

/** @param {Failure} failure */
function errorOf({ code, message, ...options }) {
  return new StenoError(code, message, options);
}
