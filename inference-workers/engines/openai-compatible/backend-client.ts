import { createParser } from 'eventsource-parser';
import { Pool, type Dispatcher } from 'undici';
import { errorCode, StenoError } from '../../../runtime/errors.ts';
import { statusError, unavailable } from './backend-error.ts';
import { DONE } from './read-answer.ts';

export type BackendAddress = {
  /** Such as http://127.0.0.1:8000/v1 */
  readonly baseUrl: string;
  readonly apiKey: string | null;
  /** Connections kept to it at most. */
  readonly connections: number;
};

/** One answer under way. */
export interface BackendCall {
  /**
   * The data of its server-sent events, those that arrived together at once: a turn through the generators for every
   * token would cost more than all the parsing. Leaving the loop before `[DONE]` closes the connection.
   */
  events(): AsyncGenerator<readonly string[], void>;
  /** Ends the events within a moment: nothing but counts is still to come. */
  hurry(): void;
}

const CONNECT_MS = 5_000;
const LAST_WORDS_MS = 1_000;
const MAX_EVENT_CHARACTERS = 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

/** The connections to one backend. */
export class BackendClient {
  readonly #pool: Pool;
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(address: BackendAddress) {
    const url = new URL(address.baseUrl);
    this.#path = `${url.pathname.replace(/\/+$/, '')}/chat/completions${url.search}`;
    this.#pool = new Pool(url.origin, {
      connections: address.connections,
      connect: { timeout: CONNECT_MS },
      // Whoever asks has limits of his own, and they abort the request.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#headers = {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(address.apiKey === null ? {} : { authorization: `Bearer ${address.apiKey}` }),
    };
  }

  /**
   * Sends a request for a stream and resolves when it began. Throws StenoError as `statusError` has it, or
   * `engine_unavailable` (retryable) where no server answers.
   */
  async post(body: string, signal: AbortSignal): Promise<BackendCall> {
    const response = await this.#request(body, signal);
    const { statusCode, headers } = response;
    // A body that is closed early says so as an error event, which nobody else would hear.
    response.body.on('error', () => undefined);
    if (statusCode !== 200) throw statusError(statusCode, headers, await readError(response.body));
    const type = String(headers['content-type'] ?? '');
    if (!type.toLowerCase().startsWith('text/event-stream')) {
      response.body.destroy();
      throw new StenoError(
        'engine_failed',
        `the model's backend answered with something else than a stream`,
        {
          fix: 'check baseUrl: it names an API that streams chat completions, and ends in /v1 for most backends',
          facts: { status: statusCode },
        },
      );
    }
    return new StreamedCall(response.body);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #request(body: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#pool.request({
        method: 'POST',
        path: this.#path,
        headers: this.#headers,
        body,
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw unavailable('cannot be reached', { cause: errorCode(error) }, error);
    }
  }
}

type Body = Dispatcher.ResponseData['body'];

class StreamedCall implements BackendCall {
  readonly #body: Body;
  #timer: NodeJS.Timeout | undefined;

  constructor(body: Body) {
    this.#body = body;
  }

  hurry(): void {
    this.#timer ??= setTimeout(() => this.#body.destroy(), LAST_WORDS_MS);
  }

  async *events(): AsyncGenerator<readonly string[], void> {
    let waiting: string[] = [];
    const decoder = new TextDecoder();
    const overflow: { error: StenoError | null } = { error: null };
    const parser = createParser({
      maxBufferSize: MAX_EVENT_CHARACTERS,
      onEvent: ({ data }) => void waiting.push(data),
      onError(error) {
        if (error.type === 'max-buffer-size-exceeded') overflow.error = tooMuch();
      },
    });
    let isDone = false;
    try {
      // Typed as any by the library: bytes, because no encoding was asked for.
      const bytes = this.#body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
      for await (const chunk of bytes) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        if (waiting.length > 0) {
          const batch = waiting;
          waiting = [];
          isDone ||= batch.includes(DONE);
          yield batch;
        }
        if (overflow.error !== null) throw overflow.error;
      }
    } catch (error) {
      if (error instanceof StenoError) throw error;
      throw unavailable('cut the answer', { cause: errorCode(error) }, error);
    } finally {
      // An answer that was read to its end leaves its connection to the next one.
      if (isDone) this.#readRest();
      else this.#leave();
    }
  }

  #readRest(): void {
    clearTimeout(this.#timer);
    const signal = AbortSignal.timeout(LAST_WORDS_MS);
    // The library's limit counts what was read before, too: the time is limit enough.
    this.#body.dump({ limit: Number.MAX_SAFE_INTEGER, signal }).catch(() => this.#body.destroy());
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#body.destroy();
  }
}

/** The beginning of an error's body; a body that cannot be read says nothing. */
async function readError(body: Body): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    // Typed as any by the library: bytes, because no encoding was asked for.
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      parts.push(chunk);
      length += chunk.length;
      if (length > MAX_ERROR_BYTES) break;
    }
  } catch {
    return '';
  }
  return Buffer.concat(parts).toString('utf8');
}

function tooMuch(): StenoError {
  return new StenoError('engine_failed', `the model's backend sent one event of more than a megabyte`);
}
