import type { InferenceRequested } from '../schemas/generated/types.ts';
import { envelope, type LoggedEvent, type NewEvent } from '../streams/event.ts';
import { cutText } from '../streams/delta-pieces.ts';
import { CACHE_ENGINE } from '../streams/cache-engine.ts';
import { DEGRADED_ENGINE } from '../streams/degraded.ts';
import type { AnswerCache, CachedAnswer } from './answer-cache.ts';
import type { DeltaWriter } from './delta-writer.ts';
import type { Generated } from './generate.ts';
import type { Counts, Ending, WorkerIdentity } from './terminal.ts';

export type Requested = LoggedEvent & {
  readonly type: 'InferenceRequested';
  readonly data: InferenceRequested;
};

/** Returns the answer that may be given again to a request that nobody began; null where the model is to be asked. */
export function cachedFor(cache: AnswerCache, { data, time }: Requested): CachedAnswer | null {
  if (!mayCache(data)) return null;
  return cache.find(data.tenantId, data.promptHash, time, data.parameters.cacheSeconds * 1000);
}

/** What is recorded of an answer from the cache: the cache made it, and it costs nothing. */
export function identityOfCache(worker: WorkerIdentity): WorkerIdentity {
  return { ...free(worker), engine: CACHE_ENGINE };
}

/** The same, at no price. */
export function free<Worker extends Pick<WorkerIdentity, 'price'>>(worker: Worker): Worker {
  return { ...worker, price: { ...worker.price, inputPerMillion: 0, outputPerMillion: 0 } };
}

/** True for what answers without a model. */
export function isFree(engine: string): boolean {
  return engine === CACHE_ENGINE || engine === DEGRADED_ENGINE;
}

export type Writer = Pick<DeltaWriter, 'write' | 'written' | 'reset'>;

/** Writes pieces of text with their tokens, after what is there of them; other text is taken back. */
export function writePieces(pieces: readonly (readonly [string, number])[], writer: Writer): void {
  const whole = pieces.map(([text]) => text).join('');
  if (!whole.startsWith(writer.written)) writer.reset();
  let skip = writer.written.length;
  for (const [text, tokens] of pieces) {
    if (skip < text.length) writer.write(text.slice(skip), tokens);
    skip = Math.max(0, skip - text.length);
  }
}

/** Writes the answer in the pieces that it came in. */
export function writeCached(answer: CachedAnswer, writer: Writer): Generated {
  const text = answer.content.text ?? '';
  const total = Buffer.byteLength(text, 'utf8');
  // Tokens are not recorded by piece: they are shared out by bytes.
  const tokensUpTo = (end: number): number => Math.floor((answer.completionTokens * end) / total);
  let at = 0;
  const pieces = total === 0 ? [] : (cutText(text, answer.deltaBytes) ?? [text]);
  const counted = pieces.map((piece) => {
    const end = at + Buffer.byteLength(piece, 'utf8');
    const tokens = tokensUpTo(end) - tokensUpTo(at);
    at = end;
    return [piece, tokens] as const;
  });
  writePieces(counted, writer);
  const { promptTokens, completionTokens, finishReason } = answer;
  return {
    ending: { type: 'completed', finishReason },
    counts: { promptTokens, completionTokens, cachedTokens: promptTokens },
  };
}

/** Returns the event that keeps an answer for others; null for one that is not to be kept. */
export function toCache(
  request: InferenceRequested,
  ending: Ending,
  writer: Pick<DeltaWriter, 'text' | 'seqs'>,
  counts: Counts,
  worker: WorkerIdentity,
  place: { readonly topic: string; readonly now: number },
): NewEvent | null {
  // The prompt's hash names the model that was asked for: another one's answer is not what it promises.
  const isOwn = worker.engine !== CACHE_ENGINE && worker.model === request.route.model;
  if (ending.type !== 'completed' || !isOwn || !mayCache(request)) return null;
  const { conversationId, inferenceId, promptHash } = request;
  return {
    type: 'AnswerCached',
    data: {
      ...envelope(request, 'cache', worker.producer, place.now),
      ...{ conversationId, inferenceId, promptHash, model: worker.model },
      content: { text: writer.text, sealed: null, keyId: null },
      deltaBytes: writer.seqs.deltaBytes,
      finishReason: ending.finishReason,
      promptTokens: counts.promptTokens,
      completionTokens: counts.completionTokens,
    },
    ...{ topic: place.topic, key: promptHash, partition: null },
  };
}

/** What another model handed on is asked for its own words, and never kept under a prompt that named the other. */
function mayCache({ parameters, fallbackFrom }: InferenceRequested): boolean {
  return parameters.cacheSeconds > 0 && fallbackFrom.length === 0;
}
