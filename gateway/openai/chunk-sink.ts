import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { openEventStream } from '../http/event-stream.ts';
import { problemBody, problemHeaders, type Problem } from '../problems.ts';
import type { FlushLater } from '../streams/flush-queue.ts';
import type { FrameSink } from '../streams/frames.ts';
import { chunksOf, errorChunk, type Chunks, type CompletionName } from './chunks.ts';
import { FROM_CACHE } from './answer-headers.ts';
import { answerProblem, stopped, streamReset, tooSlow } from './answer-problem.ts';

type ChunkSinkOptions = {
  readonly response: ServerResponse;
  /** Sent with whatever is answered. */
  readonly headers: OutgoingHttpHeaders;
  /** Its model is the one that was asked for, until the log names the one that answers. */
  readonly name: CompletionName;
  readonly includeUsage: boolean;
  /** The client asked for an id with every delta. */
  readonly resumable: boolean;
  readonly flushLater: FlushLater;
  /** The answer ended, or a problem took its place. */
  readonly onEnd: (problem: Problem | null) => void;
  /** Called once, after the last byte was handed over or the client went away. */
  readonly onClose: (gone: boolean) => void;
};

/**
 * Writes an answer as chat completion chunks. Whatever begins and does not end with `[DONE]` ends with an error: to
 * the SDKs a stream that is merely cut looks like success.
 */
export function openChunkSink(options: ChunkSinkOptions): FrameSink {
  const { includeUsage, resumable, onEnd } = options;
  const stream = openEventStream({
    ...options,
    resumed: false,
    // A blank line after an id makes openai-python parse an empty event.
    heartbeat: ':\n',
    lastWords: () => errorChunk(tooSlow),
  });
  let { name } = options;
  let chunks: Chunks | null = null;
  let shown = false;

  return {
    accepted: () => stream.hold(''),
    started(model, isCached) {
      if (chunks === null) name = { ...name, model };
      if (isCached === true) stream.tell(FROM_CACHE);
      stream.begin();
    },
    delta(seq, text) {
      const encode = chunks ?? open();
      shown ||= text !== '';
      stream.write(encode.content(seq, text));
    },
    reset() {
      if (shown) fail(streamReset);
    },
    done(seq, end) {
      if (end.outcome === 'cancelled') return fail(stopped);
      onEnd(null);
      stream.end((chunks ?? open()).end(seq, end));
    },
    error: (problem) => fail(answerProblem(problem, 'messages')),
    // The error that follows says it: other events would reach the user as chunks.
    draining: () => undefined,
    breakOff: (problem) => fail(problem),
    writable: () => stream.writable(),
    isClosed: () => stream.isClosed(),
  };

  function open(): Chunks {
    chunks = chunksOf(name, { includeUsage, resumable });
    stream.begin();
    stream.write(chunks.role());
    return chunks;
  }

  function fail(problem: Problem): void {
    if (stream.isClosed()) return;
    onEnd(problem);
    if (!stream.hasBegun())
      return stream.answer(problem.status, problemBody(problem), problemHeaders(problem));
    stream.end(errorChunk(problem));
  }
}
