import { once } from 'node:events';
import type { ChatRequest } from '../../bench/support/scripted-answer.ts';
import {
  DONE_FRAME,
  framesOf,
  sendAnswer,
  sendError,
  startScriptedBackend,
  type SendAnswer,
  type ScriptedBackend,
} from '../../bench/support/scripted-backend.ts';

/** A model server that answers well until it is told otherwise. */
export type MisbehavingBackend = ScriptedBackend & {
  /** The next requests are answered so, one each, then well again. */
  readonly next: (...faults: readonly SendAnswer[]) => void;
  /** Every request is answered so from now on; null answers well again. */
  readonly always: (fault: SendAnswer | null) => void;
  /** What was asked for, in order. */
  readonly requests: readonly { readonly chat: ChatRequest; readonly authorization: string | undefined }[];
  /** Answers that are over, one way or the other. */
  readonly over: () => number;
  /** Answers whose client closed the connection before their end. */
  readonly left: () => number;
};

/** Starts a backend; `port` starts it where one was before. */
export async function startMisbehavingBackend(port?: number): Promise<MisbehavingBackend> {
  const requests: { chat: ChatRequest; authorization: string | undefined }[] = [];
  const queue: SendAnswer[] = [];
  let standing: SendAnswer | null = null;
  let left = 0;
  let over = 0;
  const send: SendAnswer = (response, chat, answer, call) => {
    requests.push({ chat, authorization: call.headers.authorization });
    response.once('close', () => {
      over += 1;
      left += response.writableEnded ? 0 : 1;
    });
    return (queue.shift() ?? standing ?? sendAnswer)(response, chat, answer, call);
  };
  const backend = await startScriptedBackend({ send, ...(port === undefined ? {} : { port }) });
  return {
    ...backend,
    requests,
    next: (...faults) => void queue.push(...faults),
    always: (fault) => void (standing = fault),
    over: () => over,
    left: () => left,
  };
}

const SSE = { 'content-type': 'text/event-stream' };

/** An HTTP error with the API's error object. */
export function status(
  code: number,
  name: string,
  headers: Readonly<Record<string, string>> = {},
): SendAnswer {
  return (response) => {
    for (const [header, value] of Object.entries(headers)) response.setHeader(header, value);
    sendError(response, code, name, `status ${code} as the test asked for`);
  };
}

/** Nothing at all: neither headers nor an end. */
export const hang: SendAnswer = () => undefined;

/** A stream of `pieces` pieces, written out, and then what `after` does to the response. */
function beginning(
  pieces: number,
  after: (response: Parameters<SendAnswer>[0], frames: ReturnType<typeof framesOf>) => void | Promise<void>,
): SendAnswer {
  return async (response, request, answer, { id }) => {
    const frames = framesOf(id, request.model);
    response.writeHead(200, SSE);
    response.write(frames.head);
    for (const piece of answer.pieces.slice(0, pieces)) response.write(frames.piece(piece));
    // What was written before has left the process: a cut must not swallow it.
    await new Promise((resolve) => response.write(': so far\n', resolve));
    await after(response, frames);
  };
}

/** The connection breaks in the middle. */
export function cut(pieces: number): SendAnswer {
  return beginning(pieces, (response) => void response.destroy());
}

/** The answer stops and the connection ends in good order, without a finish reason. */
export function unfinished(pieces: number): SendAnswer {
  return beginning(pieces, (response) => void response.end());
}

/** Pieces, then silence. */
export function stall(pieces: number): SendAnswer {
  return beginning(pieces, () => undefined);
}

/** Pieces, then nothing but comments, as a proxy that keeps a dead answer alive. */
export function drip(pieces: number): SendAnswer {
  return beginning(pieces, async (response) => {
    const timer = setInterval(() => response.write(': still here\n\n'), 10);
    await once(response, 'close');
    clearInterval(timer);
  });
}

/** Pieces, then a frame of one's own and a good end. */
export function frame(pieces: number, text: string): SendAnswer {
  return beginning(pieces, (response) => void response.end(text + DONE_FRAME));
}

/** A whole answer whose connection stays open without counts and without `[DONE]`, or ends, or breaks. */
export function whole(then: 'stays' | 'ends' | 'breaks'): SendAnswer {
  return beginning(Number.MAX_SAFE_INTEGER, async (response, frames) => {
    const last = frames.finish('stop');
    if (then === 'ends') {
      response.end(last);
      return;
    }
    await new Promise((resolve) => response.write(last, resolve));
    if (then === 'breaks') response.destroy();
  });
}

/** A whole answer whose connection ends in good order, but only a moment after `[DONE]`. */
export const lateEnd: SendAnswer = beginning(Number.MAX_SAFE_INTEGER, async (response, frames) => {
  await new Promise((resolve) => response.write(frames.finish('stop') + DONE_FRAME, resolve));
  setTimeout(() => response.end(), 20);
});

/** A line that never ends. */
export function hugeLine(bytes: number): SendAnswer {
  return async (response) => {
    response.writeHead(200, SSE);
    response.write('data: ');
    const block = 'x'.repeat(64 * 1024);
    const closed = once(response, 'close');
    for (let sent = 0; sent < bytes && !response.destroyed; sent += block.length) {
      if (!response.write(block)) await Promise.race([once(response, 'drain'), closed]);
    }
  };
}

/** Something that is no stream, with status 200: a login page, say. */
export const page: SendAnswer = (response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Please log in</h1>');
};

/** Headers that come one after the other, the answer after them. */
export const slowHeaders: SendAnswer = (response, request, answer, call) => {
  const { socket } = response;
  socket?.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n');
  const frames = framesOf(call.id, request.model);
  const body = answer.pieces.map(frames.piece).join('') + frames.finish('stop') + DONE_FRAME;
  setImmediate(() => {
    socket?.write('x-slow: 1\r\n');
    setImmediate(() => socket?.end(`connection: close\r\n\r\n${body}`));
  });
};
