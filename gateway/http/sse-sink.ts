import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { problemBody, problemHeaders } from '../problems.ts';
import type { FlushLater } from '../streams/flush-queue.ts';
import { acceptedFrame, framesOf, type Accepted, type FrameSink } from '../streams/frames.ts';
import { openEventStream } from './event-stream.ts';

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

/** Writes an answer as named server-sent events whose id is their seq. */
export function openSseSink(options: SseOptions): FrameSink {
  const frames = framesOf(options.inferenceId);
  const stream = openEventStream({ ...options, heartbeat: ':\n\n' });
  return {
    accepted: (accepted: Accepted) => stream.hold(`event: accepted\ndata: ${acceptedFrame(accepted)}\n\n`),
    started: () => stream.begin(),
    delta(seq, text) {
      stream.begin();
      stream.write(event('delta', seq, frames.delta(seq, text)));
    },
    reset(seq) {
      stream.begin();
      stream.write(event('reset', seq, frames.reset(seq)));
    },
    done(seq, end, seen) {
      if (seen && !stream.hasBegun()) return stream.answer(204, '', {});
      stream.begin();
      stream.end(seen ? '' : event('done', seq, frames.done(seq, end)));
    },
    error(problem, seq) {
      if (!stream.hasBegun())
        return stream.answer(problem.status, problemBody(problem), problemHeaders(problem));
      stream.end(event('error', seq, frames.error(problem, seq)));
    },
    draining(cursor) {
      stream.begin();
      stream.write(`event: draining\ndata: ${frames.draining(cursor)}\n\n`);
    },
    breakOff(problem) {
      if (!stream.hasBegun())
        return stream.answer(problem.status, problemBody(problem), problemHeaders(problem));
      stream.end('');
    },
    writable: () => stream.writable(),
    isClosed: () => stream.isClosed(),
  };
}

function event(name: string, seq: number | null, data: string): string {
  return seq === null ? `event: ${name}\ndata: ${data}\n\n` : `id: ${seq}\nevent: ${name}\ndata: ${data}\n\n`;
}
