import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { openEventStream } from '../http/event-stream.ts';
import { problemBody, problemHeaders, type Problem } from '../problems.ts';
import type { FlushLater } from '../streams/flush-queue.ts';
import type { End, FrameSink } from '../streams/frames.ts';
import { chunksOf, errorChunk, lastChunks, type Chunks, type CompletionName } from './chunks.ts';
import { FROM_CACHE } from './answer-headers.ts';
import { answerProblem, stopped, streamReset, tooSlow } from './answer-problem.ts';

type ChunkStreamOptions = {
  readonly response: ServerResponse;
  /** Sent with whatever is answered. */
  readonly headers: OutgoingHttpHeaders;
  /** Its model is the one that was asked for, until the log names the one that answers. */
  readonly name: CompletionName;
  /** Answers that go into the stream. */
  readonly choices: number;
  readonly includeUsage: boolean;
  /** True if the answers may call tools. */
  readonly hasTools: boolean;
  /** The client asked for an id with every delta. Those of several answers would say nothing. */
  readonly resumable: boolean;
  readonly flushLater: FlushLater;
  /** All answers ended, or a problem took the place of one. */
  readonly onEnd: (problem: Problem | null) => void;
  /** Called once, after the last byte was handed over or the client went away. */
  readonly onClose: (gone: boolean) => void;
};

/** The stream of one call. */
export interface ChunkStream {
  /** Where the answer of this choice goes, that of this inference. */
  sinkOf(index: number, inferenceId: string): FrameSink;
  /** Ends the stream with a problem. */
  fail(problem: Problem): void;
  isClosed(): boolean;
}

/**
 * Writes answers as chat completion chunks. Whatever begins and does not end with `[DONE]` ends with an error: to
 * the SDKs a stream that is merely cut looks like success.
 */
export function openChunkStream(options: ChunkStreamOptions): ChunkStream {
  const { choices, includeUsage, hasTools, onEnd } = options;
  const stream = openEventStream({
    ...options,
    resumed: false,
    // A blank line after an id makes openai-python parse an empty event.
    heartbeat: ':\n',
    lastWords: () => errorChunk(tooSlow),
  });
  const written = { includeUsage, hasTools, resumable: options.resumable && choices === 1 };
  let { name } = options;
  let isNamed = false;
  const ends: End[] = [];

  return { sinkOf, fail, isClosed: () => stream.isClosed() };

  function sinkOf(index: number, inferenceId: string): FrameSink {
    let chunks: Chunks | null = null;
    let shown = false;

    function open(): Chunks {
      isNamed = true;
      chunks = chunksOf(name, index, { ...written, answerOf: inferenceId });
      stream.begin();
      stream.write(chunks.role());
      return chunks;
    }

    return {
      accepted: () => stream.hold(''),
      started(model, isCached) {
        if (!isNamed) name = { ...name, model };
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
        ends.push(end);
        const last = (chunks ?? open()).finish(seq, end);
        if (ends.length < choices) return stream.write(last);
        onEnd(null);
        stream.end(last + lastChunks(name, ends, includeUsage));
      },
      error: (problem) => fail(answerProblem(problem, 'messages')),
      // The error that follows says it: other events would reach the user as chunks.
      draining: () => undefined,
      breakOff: (problem) => fail(problem),
      writable: () => stream.writable(),
      isClosed: () => stream.isClosed(),
    };
  }

  function fail(problem: Problem): void {
    if (stream.isClosed()) return;
    onEnd(problem);
    if (!stream.hasBegun())
      return stream.answer(problem.status, problemBody(problem), problemHeaders(problem));
    stream.end(errorChunk(problem));
  }
}
