import { performance } from 'node:perf_hooks';
import type { WebSocket } from 'ws';
import { VoidRun } from './void-run.ts';

/** An answer of a real model: what it says is not known before. */
export type Asked = {
  readonly firstMs: number;
  readonly text: string;
  readonly conversationId: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
};

const ANSWER_MS = 120_000;

/** Sends a message and reads its answer to the end; one at a time. Throws VoidRun if a delta is not the next one. */
export function ask(socket: WebSocket, message: Readonly<Record<string, unknown>>): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sentAt = performance.now();
    let firstMs = Number.NaN;
    let text = '';
    let nextSeq = 0;
    let conversationId = '';
    const timer = setTimeout(() => finish(new VoidRun(`no end within ${ANSWER_MS} ms`)), ANSWER_MS);

    function finish(result: Asked | Error): void {
      clearTimeout(timer);
      socket.off('message', receive);
      if (result instanceof Error) reject(result);
      else resolve(result);
    }

    function receive(data: Buffer): void {
      const now = performance.now();
      // The gateway's frames are JSON objects.
      const frame = JSON.parse(data.toString('utf8')) as Readonly<Record<string, unknown>>;
      switch (frame['type']) {
        case 'accepted':
          conversationId = String(frame['conversation_id']);
          return;
        case 'delta':
          if (frame['seq'] !== nextSeq)
            return finish(new VoidRun(`delta ${String(frame['seq'])}, not ${nextSeq}`));
          if (nextSeq === 0) firstMs = now - sentAt;
          nextSeq += 1;
          text += String(frame['text']);
          return;
        case 'done': {
          // As the protocol has it.
          const usage = frame['usage'] as { readonly prompt_tokens: number; readonly cached_tokens: number };
          return finish({
            ...{ firstMs, text, conversationId },
            promptTokens: usage.prompt_tokens,
            cachedTokens: usage.cached_tokens,
          });
        }
        default:
          finish(new VoidRun(`the frame ${JSON.stringify(frame)}`));
      }
    }

    socket.on('message', receive);
    socket.send(JSON.stringify({ type: 'message', ...message }));
  });
}
