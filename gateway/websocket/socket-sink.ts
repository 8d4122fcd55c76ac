import { acceptedFrame, framesOf, type FrameSink } from '../streams/frames.ts';
import type { StreamReader } from '../streams/stream-reader.ts';

/** What a sink writes to: one WebSocket, shared by its answers. */
export interface FrameSocket {
  send(frame: string): void;
  /** Sends a frame that may wait some milliseconds for the next one: a write costs more than the frame. */
  hold(frame: string): void;
  /** Resolves when more may be written. */
  writable(): Promise<void>;
}

/** One answer on a WebSocket. */
export type SocketSink = FrameSink & {
  /** Names the reader that feeds the sink: it is closed with it. */
  feedFrom(reader: StreamReader): void;
  /** Ends the answer here without a frame; safe to call twice. */
  detach(): void;
};

export function openSocketSink(options: {
  readonly socket: FrameSocket;
  readonly inferenceId: string;
  /** What the client calls its message; null for a resume. */
  readonly clientId: string | null;
  readonly onEnd: (sink: SocketSink) => void;
}): SocketSink {
  const { socket } = options;
  const frames = framesOf(options.inferenceId, options.clientId);
  let closed = false;
  let reader: StreamReader | null = null;

  function end(frame: string): void {
    socket.send(frame);
    sink.detach();
  }

  const sink: SocketSink = {
    accepted: (accepted) => socket.hold(acceptedFrame(accepted)),
    started: () => undefined,
    delta: (seq, text) => socket.send(frames.delta(seq, text)),
    reset: (seq) => socket.send(frames.reset(seq)),
    // Sent even if it was seen: a client that asks must not wait for ever.
    done: (seq, last) => end(frames.done(seq, last)),
    error: (problem, seq) => end(frames.error(problem, seq)),
    draining: (cursor) => socket.send(frames.draining(cursor)),
    // The close code says it.
    breakOff: () => sink.detach(),
    writable: () => socket.writable(),
    isClosed: () => closed,
    feedFrom(feeding) {
      reader = feeding;
      if (closed) feeding.close();
    },
    detach() {
      if (closed) return;
      closed = true;
      options.onEnd(sink);
      reader?.close();
    },
  };
  return sink;
}
