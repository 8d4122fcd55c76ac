import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { FlushLater } from '../streams/flush-queue.ts';
import { isTooSlow, LOW_WATER } from '../streams/slow-reader.ts';
import type { FrameSocket } from './socket-sink.ts';

/** How long a reader that was cut may take to read why. */
const LAST_WORDS_MS = 2_000;

export type CuttableSocket = FrameSocket & {
  /** Allows much unsent for a while: a resume gets at once what was said so far. */
  allowBurst(): void;
  close(code: number, reason: string): void;
};

/** Writes the frames of one turn of the event loop together, and cuts a reader that is too slow for them. */
export function openFrameSocket(options: {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly flushLater: FlushLater;
  /** For frames that may wait for the next one. */
  readonly holdLater: FlushLater;
  /** The reader was cut: its answers end here. */
  readonly onCut: () => void;
}): CuttableSocket {
  const { webSocket, socket, flushLater, holdLater } = options;
  let corked = false;
  /** True if what is corked goes out after this turn of the event loop. */
  let leaving = false;
  let burstAt: number | null = null;

  function flush(): void {
    if (!corked) return;
    corked = false;
    leaving = false;
    socket.uncork();
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (isTooSlow(webSocket.bufferedAmount, burstAt, performance.now())) {
      options.onCut();
      close(1013, 'slow reader: resume after the last seq received');
    }
  }

  function close(code: number, reason: string): void {
    webSocket.close(code, reason);
    setTimeout(() => webSocket.terminate(), LAST_WORDS_MS).unref();
  }

  function cork(): void {
    if (corked) return;
    corked = true;
    socket.cork();
  }

  return {
    send(frame) {
      if (webSocket.readyState !== webSocket.OPEN) return;
      cork();
      if (!leaving) {
        leaving = true;
        flushLater(flush);
      }
      webSocket.send(frame);
    },
    hold(frame) {
      if (webSocket.readyState !== webSocket.OPEN) return;
      if (!corked) holdLater(flush);
      cork();
      webSocket.send(frame);
    },
    writable() {
      if (corked) socket.uncork();
      if (corked) socket.cork();
      if (webSocket.bufferedAmount < LOW_WATER || webSocket.readyState !== webSocket.OPEN)
        return Promise.resolve();
      return new Promise((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', resolve);
      });
    },
    allowBurst() {
      burstAt = performance.now();
    },
    close,
  };
}
