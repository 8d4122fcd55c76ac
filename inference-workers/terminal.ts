import type {
  CancelRequested,
  FinishReason,
  InferenceRequested,
  Outcome,
  Producer,
} from '../schemas/generated/types.ts';
import { envelope, type NewEvent } from '../streams/event.ts';
import { readAnswer } from '../streams/tool-calls.ts';
import { deriveId, sha256 } from '../streams/ids.ts';
import type { DeltaWriter } from './delta-writer.ts';

/** What runs here: recorded with everything it produced. */
export type WorkerIdentity = {
  readonly workerId: string;
  /** Id of the model that answers here: a request may name another one of its pool. */
  readonly model: string;
  readonly pool: string;
  readonly producer: Producer;
  readonly engine: string;
  readonly modelHash: string;
  readonly templateHash: string;
  readonly price: {
    readonly inputPerMillion: number;
    readonly outputPerMillion: number;
    readonly currency: string;
  };
};

export type Counts = {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
};

/** How an attempt ended. */
export type Ending =
  | { readonly type: 'completed'; readonly finishReason: FinishReason }
  | { readonly type: 'failed'; readonly code: string; readonly reason: string; readonly retryable: boolean }
  | { readonly type: 'cancelled'; readonly cancel: CancelRequested };

export type Attempt = { readonly number: number; readonly claim: string; readonly startedAt: number };

/** Returns the terminal event of an attempt, for the conversation's log. */
export function terminalOf(
  request: InferenceRequested,
  attempt: Attempt,
  writer: Pick<DeltaWriter, 'text' | 'seqs'>,
  counts: Counts,
  ending: Ending,
  worker: WorkerIdentity,
  place: { readonly topic: string; readonly now: number; readonly trace: string | null },
): NewEvent {
  const { text } = writer;
  const data = {
    ...envelope(request, `end:${attempt.claim}`, worker.producer, place.now),
    conversationId: request.conversationId,
    inferenceId: request.inferenceId,
    messageId: request.messageId,
    requestId: request.eventId,
    attempt: attempt.number,
    claim: attempt.claim,
    model: worker.model,
    modelHash: worker.modelHash,
    engine: worker.engine,
    promptHash: request.promptHash,
    context: request.context,
    templateHash: worker.templateHash,
    codeVersion: request.codeVersion,
    content: { text, sealed: null, keyId: null },
    textBytes: Buffer.byteLength(text, 'utf8'),
    textHash: sha256(text),
    ...writer.seqs,
    startedAt: attempt.startedAt,
    ...counts,
  };
  const where = {
    topic: place.topic,
    key: request.conversationId,
    partition: request.conversationPartition,
    trace: place.trace,
  };
  switch (ending.type) {
    case 'completed': {
      const toolCalls =
        request.parameters.tools === null ? [] : readAnswer(request.inferenceId, text).toolCalls;
      const finishReason = endOf(ending.finishReason, toolCalls.length);
      return { type: 'InferenceCompleted', data: { ...data, finishReason, toolCalls }, ...where };
    }
    case 'failed': {
      const { code, reason, retryable } = ending;
      return { type: 'InferenceFailed', data: { ...data, code, reason, retryable }, ...where };
    }
    case 'cancelled': {
      // What reaches a worker is prepare-turn's relay: its cause is the request that a person made.
      const { causationId, reason } = ending.cancel;
      return {
        type: 'InferenceCancelled',
        data: { ...data, cancelId: causationId, cancelReason: reason },
        ...where,
      };
    }
  }
}

/** A model that called tools has stopped for them, whatever its engine says. */
function endOf(finishReason: FinishReason, calls: number): FinishReason {
  if (finishReason === 'stop' && calls > 0) return 'tool_calls';
  return finishReason === 'tool_calls' && calls === 0 ? 'stop' : finishReason;
}

/**
 * What prepare-turn asked first: whoever counts a claim, its own worker or one that was handed the inference later, names
 * the count the same.
 */
function firstRequest(request: InferenceRequested): InferenceRequested {
  return { ...request, eventId: deriveId('evt', request.messageId, 'request') };
}

/** Returns what one claim used. A taker writes it for the claim it replaced, `estimated`. */
export function usageOf(
  request: InferenceRequested,
  attempt: Pick<Attempt, 'number' | 'claim'>,
  counts: Counts,
  outcome: Outcome,
  worker: Pick<WorkerIdentity, 'model' | 'pool' | 'price' | 'producer'>,
  place: { readonly topic: string; readonly now: number; readonly estimated: boolean },
): NewEvent {
  const { inputPerMillion, outputPerMillion, currency } = worker.price;
  // 10^-9 of the currency per token = price per million tokens x 1000.
  const costNanos = Math.round(
    counts.promptTokens * inputPerMillion * 1000 + counts.completionTokens * outputPerMillion * 1000,
  );
  return {
    type: 'UsageRecorded',
    data: {
      ...envelope(firstRequest(request), `usage:${attempt.claim}`, worker.producer, place.now),
      conversationId: request.conversationId,
      inferenceId: request.inferenceId,
      principal: request.principal,
      keyId: request.keyId,
      attempt: attempt.number,
      claim: attempt.claim,
      model: worker.model,
      pool: worker.pool,
      tier: request.route.tier,
      outcome,
      ...counts,
      costNanos,
      currency: costNanos === 0 && inputPerMillion + outputPerMillion === 0 ? '' : currency,
      estimated: place.estimated,
    },
    topic: place.topic,
    key: request.conversationId,
    partition: null,
  };
}
