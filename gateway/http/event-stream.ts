import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FlushLater } from '../streams/flush-queue.ts';
import { isTooSlow, LOW_WATER } from '../streams/slow-reader.ts';

/** Headers wait for the answer's first record so long: until then a failure is a plain HTTP error. */
export const HEADERS_WAIT_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** How long a client that was too slow may take to read its last words. */
const LAST_WORDS_MS = 30_000;

type EventStreamOptions = {
  readonly response: ServerResponse;
  /** Sent with whatever is answered. */
  readonly headers: OutgoingHttpHeaders;
  /** True for a resume, which may get much at once and whose message is on the log already. */
  readonly resumed: boolean;
  readonly flushLater: FlushLater;
  /** Whoever writes waits for `writable`: a client may be as slow as it likes, and is never cut for it. */
  readonly isPaced?: boolean;
  /** A comment that keeps the connection alive. */
  readonly heartbeat: string;
  /** What a client is told that does not read; without it, it is cut, because it can come back with its last id. */
  readonly lastWords?: () => string;
  /** Called once. `gone`: the client went away before the end. */
  readonly onClose: (gone: boolean) => void;
};

/**
 * A response of server-sent events, whatever their shape: when its headers go out, its heartbeat, what becomes of a
 * client that does not read. Everything of one turn of the event loop goes out in one write.
 */
export interface EventStream {
  /** Sends the headers; until then nothing is written. */
  begin(): void;
  hasBegun(): boolean;
  /** Adds headers, which go out with the others. */
  tell(headers: OutgoingHttpHeaders): void;
  /** Keeps text that goes out with the headers, at the latest after a second. */
  hold(text: string): void;
  write(text: string): void;
  /** Writes the last text and ends the response. */
  end(text: string): void;
  /** Answers something else in place of a stream that has not begun. */
  answer(status: number, body: string, headers: OutgoingHttpHeaders): void;
  /** Resolves when more may be written. */
  writable(): Promise<void>;
  isClosed(): boolean;
}

export function openEventStream(options: EventStreamOptions): EventStream {
  const { response, flushLater } = options;
  const resumedAt = options.resumed ? performance.now() : null;
  let { headers } = options;
  let waiting = '';
  let scheduled = false;
  let begun = false;
  /** The headers went out: with the first text if there was some. */
  let flushed = false;
  let closed = false;
  let ending = false;
  let headersTimer = options.resumed ? setTimeout(begin, HEADERS_WAIT_MS) : undefined;
  const heartbeat = setInterval(() => write(options.heartbeat), HEARTBEAT_MS);
  const onGone = (): void => close(!ending);
  response.on('close', onGone);
  response.on('error', onGone);

  return {
    begin,
    hasBegun: () => begun,
    tell(more) {
      headers = { ...headers, ...more };
    },
    hold(text) {
      waiting += text;
      if (begun) schedule();
      else headersTimer ??= setTimeout(begin, HEADERS_WAIT_MS);
    },
    write,
    end(text) {
      write(text);
      if (closed || ending) return;
      ending = true;
      schedule();
    },
    answer,
    writable() {
      flush();
      if (closed || response.writableLength < LOW_WATER) return Promise.resolve();
      return new Promise((resolve) => {
        response.once('drain', resolve);
        response.once('close', resolve);
      });
    },
    isClosed: () => closed || ending,
  };

  function begin(): void {
    if (begun || closed || ending) return;
    begun = true;
    clearTimeout(headersTimer);
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    schedule();
  }

  function write(text: string): void {
    if (closed || ending || !begun || text === '') return;
    waiting += text;
    schedule();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    flushLater(flush);
  }

  function flush(): void {
    scheduled = false;
    if (closed || !begun) return;
    const text = waiting;
    waiting = '';
    if (ending) {
      response.end(text === '' ? undefined : text);
      return close(false);
    }
    if (text !== '') response.write(text);
    else if (!flushed) response.flushHeaders();
    flushed = true;
    if (options.isPaced !== true && isTooSlow(response.writableLength, resumedAt, performance.now()))
      giveUp();
  }

  function giveUp(): void {
    if (options.lastWords === undefined) response.destroy();
    else {
      response.end(options.lastWords());
      setTimeout(() => {
        if (!response.writableFinished) response.destroy();
      }, LAST_WORDS_MS).unref();
    }
    close(false);
  }

  function answer(status: number, body: string, more: OutgoingHttpHeaders): void {
    begun = true;
    if (!closed) {
      response.writeHead(status, {
        ...headers,
        ...more,
        ...(body === '' ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      });
      response.end(body === '' ? undefined : body);
    }
    close(false);
  }

  function close(gone: boolean): void {
    if (closed) return;
    closed = true;
    clearTimeout(headersTimer);
    clearInterval(heartbeat);
    options.onClose(gone);
  }
}
