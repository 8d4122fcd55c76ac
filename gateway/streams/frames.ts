import type { Place } from '../token.ts';
import type { Problem } from '../problems.ts';

/** How an answer ended, as a client is told. */
export type End = {
  readonly outcome: 'completed' | 'cancelled';
  readonly finishReason: string | null;
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  /** True for an answer that another inference made before. */
  readonly isCached?: boolean;
};

/** What an accepted message got: where its answer lies, and the token that finds it again. */
export type Accepted = { readonly place: Place; readonly token: string; readonly clientId: string | null };

/**
 * Where frames of one answer go. Called in this order: accepted (once, not on a resume), then delta and reset, then
 * one of done and error. Nothing may be called after closed() is true.
 */
export interface FrameSink {
  accepted(accepted: Accepted): void;
  delta(seq: number, text: string): void;
  /** All text before is taken back. */
  reset(seq: number): void;
  /** `seen`: the client's cursor is already at or past the end. */
  done(seq: number, end: End, seen: boolean): void;
  /** `seq` is null where the stream broke rather than ended. */
  error(problem: Problem, seq: number | null): void;
  /**
   * The answer's first record was read, and `model` is what answers, or answered the same prompt before: a transport
   * that waited with its headers sends them. Called again where another attempt begins.
   */
  started(model: string, isCached?: boolean): void;
  /** The gateway goes away: the stream goes on elsewhere after `cursor`. */
  draining(cursor: number): void;
  /** The gateway is gone now; like `error` if nothing was sent yet, else the stream breaks off as announced. */
  breakOff(problem: Problem): void;
  /** Resolves when more may be written: used where much is written at once. */
  writable(): Promise<void>;
  isClosed(): boolean;
}

/** Builds the JSON of one answer's frames; the same on every transport. */
export interface Frames {
  delta(seq: number, text: string): string;
  reset(seq: number): string;
  done(seq: number, end: End): string;
  error(problem: Problem, seq: number | null): string;
  draining(cursor: number): string;
}

/** `clientId` is what the client calls its message. The parts that repeat are built once: a delta costs two concatenations and the quoting of its text. */
export function framesOf(inferenceId: string, clientId: string | null = null): Frames {
  const id = JSON.stringify(inferenceId);
  const head = `{"type":"delta","inference_id":${id},"seq":`;
  return {
    delta: (seq, text) => `${head}${seq},"text":${JSON.stringify(text)}}`,
    reset: (seq) => `{"type":"reset","inference_id":${id},"seq":${seq}}`,
    done: (seq, end) =>
      JSON.stringify({
        type: 'done',
        inference_id: inferenceId,
        seq,
        outcome: end.outcome,
        finish_reason: end.finishReason,
        model: end.model,
        ...(end.isCached === true ? { cached: true } : {}),
        usage: {
          prompt_tokens: end.promptTokens,
          completion_tokens: end.completionTokens,
          total_tokens: end.promptTokens + end.completionTokens,
          cached_tokens: end.cachedTokens,
        },
      }),
    error: (problem, seq) =>
      errorFrame(problem, {
        ...(clientId === null ? {} : { id: clientId }),
        inference_id: inferenceId,
        ...(seq === null ? {} : { seq }),
      }),
    draining: (cursor) => JSON.stringify({ type: 'draining', inference_id: inferenceId, seq: cursor }),
  };
}

/** The frame that says a message is on the log. */
export function acceptedFrame({ place, token, clientId }: Accepted): string {
  return JSON.stringify({
    type: 'accepted',
    id: clientId,
    inference_id: place.inferenceId,
    message_id: place.messageId,
    conversation_id: place.conversationId,
    token,
  });
}

/** An error frame, with what it belongs to. */
export function errorFrame(
  problem: Problem,
  about: Readonly<Record<string, string | number | null>>,
): string {
  return JSON.stringify({
    type: 'error',
    ...about,
    code: problem.code,
    message: problem.message,
    ...(problem.fix === null ? {} : { fix: problem.fix }),
    ...(problem.param === null ? {} : { param: problem.param }),
    retryable: problem.retryable,
    ...(problem.retryAfterMillis === null ? {} : { retry_after_ms: problem.retryAfterMillis }),
  });
}
