import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { problemBody, problemHeaders } from '../problems.ts';
import type { FlushLater } from '../streams/flush-queue.ts';
import { acceptedFrame, framesOf, type Accepted, type FrameSink } from '../streams/frames.ts';
import { isTooSlow, LOW_WATER } from '../streams/slow-reader.ts';

/** Headers wait for the answer's first record so long: until then a failure is a plain HTTP error. */
const HEADERS_WAIT_MS = 1_000;
const HEARTBEAT_MS = 15_000;

type SseOptions = {
  readonly response: ServerResponse;
  readonly inferenceId: string;
  /** Sent with whatever is answered. */
  readonly headers: OutgoingHttpHeaders;
  /** True for a resume, which may get much at once. */
  readonly resumed: boolean;
  readonly flushLater: FlushLater;
  /** The client is gone, or was cut. */
  readonly onClose: () => void;
};

/** Writes an answer as server-sent events; everything of one turn of the event loop goes out in one write. */
export function openSseSink(options: SseOptions): FrameSink {
  const { response, flushLater } = options;
  const frames = framesOf(options.inferenceId);
  const resumedAt = options.resumed ? performance.now() : null;
  let waiting = '';
  let scheduled = false;
  let begun = false;
  let closed = false;
  let ending = false;
  let headersTimer = options.resumed ? setTimeout(begin, HEADERS_WAIT_MS) : undefined;
  const heartbeat = setInterval(() => write(':\n\n'), HEARTBEAT_MS);
  response.on('close', close);
  response.on('error', close);

  return {
    accepted(accepted: Accepted) {
      waiting += `event: accepted\ndata: ${acceptedFrame(accepted)}\n\n`;
      if (begun) schedule();
      else headersTimer ??= setTimeout(begin, HEADERS_WAIT_MS);
    },
    started: begin,
    delta(seq, text) {
      begin();
      write(event('delta', seq, frames.delta(seq, text)));
    },
    reset(seq) {
      begin();
      write(event('reset', seq, frames.reset(seq)));
    },
    done(seq, end, seen) {
      if (seen && !begun) return answer(204, '', {});
      begin();
      if (!seen) write(event('done', seq, frames.done(seq, end)));
      ending = true;
      schedule();
    },
    error(problem, seq) {
      if (!begun) return answer(problem.status, problemBody(problem), problemHeaders(problem));
      write(event('error', seq, frames.error(problem, seq)));
      ending = true;
      schedule();
    },
    draining(cursor) {
      begin();
      write(`event: draining\ndata: ${frames.draining(cursor)}\n\n`);
    },
    breakOff(problem) {
      if (!begun) return answer(problem.status, problemBody(problem), problemHeaders(problem));
      ending = true;
      schedule();
    },
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

  /** Sends the headers; until then nothing is written. */
  function begin(): void {
    if (begun || closed || ending) return;
    begun = true;
    clearTimeout(headersTimer);
    response.writeHead(200, {
      ...options.headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    if (waiting === '') response.flushHeaders();
    else schedule();
  }

  function write(text: string): void {
    if (closed || ending || !begun) return;
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
    if (closed) return;
    const text = waiting;
    waiting = '';
    if (ending) {
      response.end(text === '' ? undefined : text);
      return close();
    }
    if (text !== '') response.write(text);
    if (isTooSlow(response.writableLength, resumedAt, performance.now())) cut();
  }

  /** The client knows its last id: it comes back with it when it can read again. */
  function cut(): void {
    response.destroy();
    close();
  }

  function answer(status: number, body: string, headers: OutgoingHttpHeaders): void {
    begun = true;
    if (!closed) {
      response.writeHead(status, {
        ...options.headers,
        ...headers,
        ...(body === '' ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      });
      response.end(body === '' ? undefined : body);
    }
    close();
  }

  function close(): void {
    if (closed) return;
    closed = true;
    clearTimeout(headersTimer);
    clearInterval(heartbeat);
    options.onClose();
  }
}

function event(name: string, seq: number | null, data: string): string {
  return seq === null ? `event: ${name}\ndata: ${data}\n\n` : `id: ${seq}\nevent: ${name}\ndata: ${data}\n\n`;
}
