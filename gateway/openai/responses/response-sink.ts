import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { openEventStream } from '../../http/event-stream.ts';
import { problemBody, problemHeaders, type Problem } from '../../problems.ts';
import type { FlushLater } from '../../streams/flush-queue.ts';
import type { FrameSink } from '../../streams/frames.ts';
import { FROM_CACHE } from '../answer-headers.ts';
import { answerProblem, streamReset, tooSlow } from '../answer-problem.ts';
import type { Written } from './numbered-events.ts';
import { messageEventsOf } from './response-events.ts';
import type { ResponseFacts } from './response.ts';
import { toolEventsOf } from './tool-events.ts';

type ResponseSinkOptions = {
  readonly response: ServerResponse;
  /** Sent with whatever is answered. */
  readonly headers: OutgoingHttpHeaders;
  readonly facts: ResponseFacts;
  /** Last `sequence_number` that the client has; null for a response that is made now. */
  readonly startingAfter: number | null;
  readonly flushLater: FlushLater;
  /** The answer ended, or a problem took its place. */
  readonly onEnd?: (problem: Problem | null) => void;
  /** Called once, after the last byte was handed over or the client went away. */
  readonly onClose: () => void;
};

/**
 * Writes an answer as the events of a response. It must be told the answer from its first delta: what the client has
 * already is left out here, so that a resumed stream is the end of the very same sequence.
 */
export function openResponseSink(options: ResponseSinkOptions): FrameSink {
  const { facts, startingAfter, onEnd = () => undefined } = options;
  const isResumed = startingAfter !== null;
  const eventsOf = facts.tools === null ? messageEventsOf : toolEventsOf;
  const events = eventsOf(facts, startingAfter ?? -1);
  const stream = openEventStream({
    ...options,
    resumed: isResumed,
    heartbeat: ':\n',
    lastWords: () => events.broken(tooSlow),
  });
  // The client learns the id before the first word, so that it can come back.
  if (isResumed) stream.hold(events.begin());

  return {
    accepted: () => stream.hold(events.begin()),
    started(_model, isCached) {
      if (isCached === true) stream.tell(FROM_CACHE);
      stream.hold(events.begin());
      stream.begin();
    },
    delta(seq, text) {
      stream.begin();
      stream.write(events.delta(seq, text));
    },
    reset(seq) {
      stream.begin();
      write(events.reset(seq), streamReset);
    },
    done(seq, end) {
      stream.begin();
      write(events.end(seq, end), null);
    },
    error(problem, seq) {
      const told = answerProblem(problem, 'input');
      // Of an answer that failed there is a response; of what failed before its first record only who asks later hears.
      if (seq === null || !(isResumed || stream.hasBegun())) return breakWith(told);
      stream.begin();
      write(events.failed(seq, told), told);
    },
    // The error that follows says it.
    draining: () => undefined,
    breakOff: (problem) => breakWith(problem),
    writable: () => stream.writable(),
    isClosed: () => stream.isClosed(),
  };

  function write({ text, isOver }: Written, problem: Problem | null): void {
    if (stream.isClosed()) return;
    if (!isOver) return stream.write(text);
    onEnd(problem);
    stream.end(text);
  }

  function breakWith(problem: Problem): void {
    if (stream.isClosed()) return;
    onEnd(problem);
    if (stream.hasBegun()) return stream.end(events.broken(problem));
    stream.answer(problem.status, problemBody(problem), problemHeaders(problem));
  }
}
