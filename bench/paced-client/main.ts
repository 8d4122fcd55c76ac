import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { PacedOrder, PacedReport, PacedResult } from './protocol.ts';

/** The load generator of paced-streams, in a process of its own: one WebSocket a stream, as browsers have it. */
process.once('message', (message) => {
  // The bench that forked this process sends nothing else.
  const order = message as PacedOrder;
  run(order).then(report, (error: unknown) => {
    report({ type: 'void', why: error instanceof Error ? error.message : 'the load generator failed' });
  });
});

type Frame = {
  readonly type: string;
  readonly seq: number;
  readonly text: string;
  readonly outcome?: string;
};

/** What all streams were shown while all of them streamed. */
type Counted = { characters: number; deltas: number; isHold: boolean };

const OPEN_AT_ONCE = 50;
/** A stream that says nothing for so long never will. */
const SILENCE_MS = 20_000;

async function run(order: PacedOrder): Promise<PacedResult> {
  const sockets = await openSockets(order);
  const counted: Counted = { characters: 0, deltas: 0, isHold: false };
  const began = performance.now();
  const streams = sockets.map(async (socket, index) => {
    await pause(Math.max(1, began + (order.rampMillis * index) / order.streams - performance.now()));
    const model = order.models[Math.floor(index / order.streamsPerModel)];
    return follow(socket, order, { type: 'message', text: order.text, model, max_tokens: 100_000 }, counted);
  });
  const all = Promise.all(streams);
  await Promise.race([all, pause(order.rampMillis + began - performance.now())]);
  counted.isHold = true;
  report({ type: 'hold' });
  await Promise.race([all, pause(order.holdMillis)]);
  counted.isHold = false;
  report({ type: 'held' });
  const gaps = await all;
  for (const socket of sockets) socket.terminate();
  const tokensInHold = (counted.characters * order.tokens) / order.answer.length;
  return { type: 'result', gaps, tokensInHold, deltasInHold: counted.deltas };
}

async function openSockets({ url, streams }: PacedOrder): Promise<readonly WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < streams) {
    const some = Array.from(
      { length: Math.min(OPEN_AT_ONCE, streams - sockets.length) },
      () => new WebSocket(`${url.replace(/^http/, 'ws')}/v1/chat`, { perMessageDeflate: false }),
    );
    await Promise.all(some.map((socket) => once(socket, 'open')));
    sockets.push(...some);
  }
  return sockets;
}

/** Asks, and resolves to the longest gap once the answer ended; every piece must be the next of the answer. */
function follow(
  socket: WebSocket,
  { answer }: PacedOrder,
  question: object,
  counted: Counted,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let seq = 0;
    let position = 0;
    let lastAt = 0;
    let longest = 0;
    const watch = setInterval(() => {
      if (performance.now() - (lastAt || startedAt) > SILENCE_MS) fail(`no token for ${SILENCE_MS} ms`);
    }, 1_000);
    const startedAt = performance.now();
    socket.on('message', (data: Buffer) => {
      // Both servers send JSON objects.
      const frame = JSON.parse(data.toString('utf8')) as Frame;
      if (frame.type === 'delta') {
        const now = performance.now();
        if (frame.seq !== seq || !answer.startsWith(frame.text, position)) {
          return fail(`delta ${frame.seq} came where ${seq} was due, or with other bytes`);
        }
        if (seq > 0 && now - lastAt > longest) longest = now - lastAt;
        lastAt = now;
        seq += 1;
        position += frame.text.length;
        if (!counted.isHold) return;
        counted.deltas += 1;
        counted.characters += frame.text.length;
      } else if (frame.type === 'done') {
        clearInterval(watch);
        if (frame.outcome === 'completed' && position === answer.length) resolve(longest);
        else fail(`it ended as ${frame.outcome ?? '?'} after ${position} of ${answer.length} characters`);
      } else if (frame.type !== 'accepted') fail(`the frame ${data.toString('utf8')}`);
    });
    socket.on('close', () => fail('the socket was closed'));
    socket.send(JSON.stringify(question));

    function fail(why: string): void {
      clearInterval(watch);
      reject(new Error(why));
    }
  });
}

function report(message: PacedReport): void {
  process.send?.(message);
}
