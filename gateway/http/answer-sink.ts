import type { Problem } from '../problems.ts';
import type { End, FrameSink } from '../streams/frames.ts';

export type Answer = { readonly text: string; readonly end: End };

/** Collects an answer for a client that wants it in one piece. */
export type AnswerSink = FrameSink & {
  /** Resolves at the end, or with the problem that took its place; null when the sink was closed first. */
  readonly answer: Promise<Answer | Problem | null>;
  close(): void;
};

export function openAnswerSink(): AnswerSink {
  let text = '';
  let closed = false;
  let settle: (answer: Answer | Problem | null) => void = () => undefined;
  const answer = new Promise<Answer | Problem | null>((resolve) => {
    settle = resolve;
  });
  function finish(result: Answer | Problem | null): void {
    closed = true;
    settle(result);
  }
  return {
    answer,
    close: () => finish(null),
    accepted: () => undefined,
    started: () => undefined,
    draining: () => undefined,
    writable: () => Promise.resolve(),
    delta(_seq, piece) {
      text += piece;
    },
    reset() {
      text = '';
    },
    done: (_seq, end) => finish({ text, end }),
    error: (problem) => finish(problem),
    breakOff: (problem) => finish(problem),
    isClosed: () => closed,
  };
}
