import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import { FrameCheck } from './frame-check.ts';
import type { Question } from './questions.ts';
import { VoidRun } from './void-run.ts';

/** One answer that its client follows over every disconnect. */
export interface ResumingStream {
  /** Known once the message was accepted. */
  inferenceId(): string;
  /** Tokens shown so far. */
  deltas(): number;
  /**
   * Resolves when the answer ended, with the longest time without a token between the first and the last, in
   * milliseconds. Rejects with VoidRun if a token was lost, doubled or has other bytes.
   */
  readonly ended: Promise<number>;
  close(): void;
}

/** A client that comes back at once, and asks again where nobody listens after so long. */
const RECONNECT_MS = 5;
const ANSWER_MS = 60_000;

/** Asks at the first of the gateways; whenever the connection ends, goes on at the next with its last seq. */
export function openResumingStream(gateways: readonly string[], question: Question): ResumingStream {
  const check = new FrameCheck(question.text, question.answer);
  const { promise: ended, resolve, reject } = Promise.withResolvers<number>();
  // Whoever awaits it later still sees the rejection.
  ended.catch(() => undefined);
  const timer = setTimeout(() => finish(new VoidRun(`no end within ${ANSWER_MS} ms`)), ANSWER_MS);
  let inferenceId = '';
  let token = '';
  let at = 0;
  let lastAt: number | null = null;
  let longestMs = 0;
  let isOver = false;
  let socket: WebSocket | null = null;

  function finish(error?: unknown): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    if (error === undefined) resolve(longestMs);
    else reject(error instanceof Error ? error : new VoidRun('an answer failed'));
    socket?.terminate();
  }

  function connect(): void {
    if (isOver) return;
    const url = gateways[at % gateways.length] ?? '';
    const opened = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/chat`, { perMessageDeflate: false });
    socket = opened;
    opened.on('open', () => opened.send(JSON.stringify(firstFrame())));
    opened.on('message', (data: Buffer) => receive(data));
    // A refused connection closes too.
    opened.on('error', () => undefined);
    opened.on('close', () => {
      if (isOver) return;
      if (token === '') return finish(new VoidRun('a connection ended before its message was accepted'));
      at += 1;
      if (at % gateways.length === 0) setTimeout(connect, RECONNECT_MS);
      else connect();
    });
  }

  function firstFrame(): object {
    if (token === '') return { type: 'message', text: question.text };
    return { type: 'resume', token, after: check.deltas - 1 };
  }

  function receive(data: Buffer): void {
    const now = performance.now();
    try {
      // The gateway's frames are JSON objects.
      const frame = JSON.parse(data.toString('utf8')) as Readonly<Record<string, unknown>>;
      const what = check.take(frame);
      if (what === 'accepted') {
        inferenceId = String(frame['inference_id']);
        token = String(frame['token']);
      }
      if (what === 'delta') {
        if (lastAt !== null) longestMs = Math.max(longestMs, now - lastAt);
        lastAt = now;
      }
      if (what === 'done') finish();
    } catch (error) {
      finish(error);
    }
  }

  connect();
  return {
    inferenceId: () => inferenceId,
    deltas: () => check.deltas,
    ended,
    close: () => finish(new VoidRun('the stream was closed before its answer ended')),
  };
}
