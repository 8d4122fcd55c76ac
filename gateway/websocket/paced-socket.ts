import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { FlushLater } from '../streams/flush-queue.ts';
import { isTooSlow, LOW_WATER } from '../streams/slow-reader.ts';
import type { FrameSocket } from './socket-sink.ts';

/** How long a reader that was cut may take to read why. */
const LAST_WORDS_MS = 2_000;

/** What all sockets of a gateway share. */
export type SharedQueues = {
  readonly flushLater: FlushLater;
  /** For frames that may wait for the next one. */
  readonly holdLater: FlushLater;
};

export type CuttableSocket = FrameSocket & {
  /** Allows much unsent for a while: a resume gets at once what was said so far. */
  allowBurst(): void;
  close(code: number, reason: string): void;
};

/**
 * Writes the frames of one turn of the event loop together, and cuts a reader that is too slow for them. A class, because
 * there are thousands that do nothing: methods cost them nothing, closures would.
 */
export class PacedSocket implements CuttableSocket {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #shared: SharedQueues;
  readonly #onCut: () => void;
  #corked = false;
  /** True if what is corked goes out after this turn of the event loop. */
  #leaving = false;
  #burstAt: number | null = null;

  /** `onCut`: the reader was cut, its answers end here. */
  constructor(webSocket: WebSocket, socket: Socket, shared: SharedQueues, onCut: () => void) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#shared = shared;
    this.#onCut = onCut;
  }

  send(frame: string): void {
    if (!this.#isOpen) return;
    this.#cork();
    if (!this.#leaving) {
      this.#leaving = true;
      this.#shared.flushLater(() => this.#flush());
    }
    this.#webSocket.send(frame);
  }

  hold(frame: string): void {
    if (!this.#isOpen) return;
    if (!this.#corked) this.#shared.holdLater(() => this.#flush());
    this.#cork();
    this.#webSocket.send(frame);
  }

  writable(): Promise<void> {
    if (this.#corked) {
      this.#socket.uncork();
      this.#socket.cork();
    }
    if (this.#webSocket.bufferedAmount < LOW_WATER || !this.#isOpen) return Promise.resolve();
    return new Promise((resolve) => {
      this.#socket.once('drain', resolve);
      this.#socket.once('close', resolve);
    });
  }

  allowBurst(): void {
    this.#burstAt = performance.now();
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
    setTimeout(() => this.#webSocket.terminate(), LAST_WORDS_MS).unref();
  }

  get #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
  }

  #flush(): void {
    if (!this.#corked) return;
    this.#corked = false;
    this.#leaving = false;
    this.#socket.uncork();
    if (!this.#isOpen) return;
    if (isTooSlow(this.#webSocket.bufferedAmount, this.#burstAt, performance.now())) {
      this.#onCut();
      this.close(1013, 'slow reader: resume after the last seq received');
    }
  }
}
