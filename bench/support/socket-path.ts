import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import { FrameCheck } from './frame-check.ts';
import type { Path, Slot, Turn } from './load.ts';
import type { Question } from './questions.ts';
import { VoidRun } from './void-run.ts';

const TURN_MS = 30_000;

type Open = {
  readonly check: FrameCheck;
  readonly sentAt: number;
  firstMs: number;
  readonly resolve: (turn: Turn) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
};

/** Opens WebSockets to a gateway, one for each client, as browsers would. */
export async function openSocketPath(
  url: string,
  clients: number,
  questions: readonly Question[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Path> {
  const sockets: WebSocket[] = [];
  const slots = await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/chat`, {
        perMessageDeflate: false,
        headers: { ...headers },
      });
      sockets.push(socket);
      await once(socket, 'open');
      return openSlot(socket, questions, index);
    }),
  );
  return {
    name: 'websocket',
    slots,
    async close() {
      for (const socket of sockets) socket.terminate();
    },
  };
}

function openSlot(socket: WebSocket, questions: readonly Question[], first: number): Slot {
  let next = first;
  let open: Open | null = null;

  function fail(error: unknown): void {
    if (open === null) return;
    clearTimeout(open.timer);
    open.reject(error);
    open = null;
  }

  socket.on('close', () => fail(new VoidRun('the gateway closed a socket')));
  socket.on('error', fail);
  socket.on('message', (data: Buffer) => {
    const now = performance.now();
    if (open === null) return;
    try {
      // The gateway's frames are JSON objects.
      const what = open.check.take(JSON.parse(data.toString('utf8')) as Readonly<Record<string, unknown>>);
      if (what === 'delta' && open.check.deltas === 1) open.firstMs = now - open.sentAt;
      if (what !== 'done') return;
      const { resolve, firstMs, sentAt, timer, check } = open;
      clearTimeout(timer);
      open = null;
      resolve({ firstMs, totalMs: now - sentAt, deltas: check.deltas });
    } catch (error) {
      fail(error);
    }
  });

  return {
    turn() {
      const question = questions[next % questions.length] ?? { text: '', answer: '' };
      next += 1;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => fail(new VoidRun(`no end within ${TURN_MS} ms`)), TURN_MS);
        const check = new FrameCheck(question.text, question.answer);
        const frame = JSON.stringify({ type: 'message', text: question.text });
        open = { check, sentAt: performance.now(), firstMs: Number.NaN, resolve, reject, timer };
        socket.send(frame);
      });
    },
  };
}
