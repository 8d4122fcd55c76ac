import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Holds sockets of idle-sockets in a process of its own: told how many there shall be, it says when they are open. */

/** What it is told: open sockets until there are so many. */
export type IdleOrder = { readonly url: string; readonly key: string; readonly sockets: number };
/** What it says. */
export type IdleReport =
  | { readonly type: 'open'; readonly sockets: number }
  | { readonly type: 'closed'; readonly sockets: number }
  | { readonly type: 'void'; readonly why: string };

const OPEN_AT_ONCE = 100;
const sockets: WebSocket[] = [];
let closed = 0;

process.on('message', (message) => {
  // The bench that forked this process sends nothing else.
  openUntil(message as IdleOrder).then(
    () => report({ type: closed === 0 ? 'open' : 'closed', sockets: closed === 0 ? sockets.length : closed }),
    (error: unknown) => report({ type: 'void', why: error instanceof Error ? error.message : 'no socket' }),
  );
});

async function openUntil({ url, key, sockets: wanted }: IdleOrder): Promise<void> {
  while (sockets.length < wanted) {
    const some = Array.from({ length: Math.min(OPEN_AT_ONCE, wanted - sockets.length) }, () => {
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/chat`, {
        perMessageDeflate: false,
        headers: { authorization: `Bearer ${key}` },
      });
      socket.on('close', () => (closed += 1));
      return socket;
    });
    await Promise.all(some.map((socket) => once(socket, 'open')));
    sockets.push(...some);
  }
}

function report(message: IdleReport): void {
  process.send?.(message);
}
