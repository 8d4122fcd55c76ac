import type { DoneFrame, ErrorFrame, ServerFrame } from './server-frame.ts';

/** Where an accepted message and its answer lie. */
export type Accepted = {
  readonly inferenceId: string;
  readonly messageId: string;
  readonly conversationId: string;
  readonly token: string;
};

/** What a client knows of an answer, over all its connections. */
export type Answer = {
  readonly accepted: Accepted | null;
  /** Seq of the last frame that was taken; -1 before the first. */
  readonly lastSeq: number;
  /** The recorded end, or what refused the message. */
  readonly end: DoneFrame | ErrorFrame | null;
};

/** What a frame means. `retry`: this connection gives no more, another one may. */
export type Taken = {
  readonly answer: Answer;
  readonly verdict: 'taken' | 'ignored' | 'retry';
};

export const NO_ANSWER: Answer = { accepted: null, lastSeq: -1, end: null };

/** Takes the next frame. What another connection has brought already is ignored, so that nothing is shown twice. */
export function takeFrame(answer: Answer, frame: ServerFrame): Taken {
  const ignored: Taken = { answer, verdict: 'ignored' };
  if (answer.end !== null) return ignored;
  switch (frame.type) {
    case 'accepted':
      return answer.accepted === null ? taken(answer, { accepted: acceptedOf(frame) }) : ignored;
    case 'delta':
    case 'reset':
      return frame.seq > answer.lastSeq ? taken(answer, { lastSeq: frame.seq }) : ignored;
    case 'done':
      return taken(answer, { end: frame });
    case 'error':
      // With a seq it is the recorded end; without one only this stream or this try has failed.
      return frame.seq === undefined && frame.retryable
        ? { answer, verdict: 'retry' }
        : taken(answer, { end: frame });
    case 'draining':
      return ignored;
  }
}

function taken(answer: Answer, change: Partial<Answer>): Taken {
  return { answer: { ...answer, ...change }, verdict: 'taken' };
}

function acceptedOf(frame: Extract<ServerFrame, { type: 'accepted' }>): Accepted {
  return {
    inferenceId: frame.inference_id,
    messageId: frame.message_id,
    conversationId: frame.conversation_id,
    token: frame.token,
  };
}
