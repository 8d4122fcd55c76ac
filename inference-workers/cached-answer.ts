import type { InferenceRequested } from '../schemas/generated/types.ts';
import { envelope, type LoggedEvent, type NewEvent } from '../streams/event.ts';
import { CACHE_ENGINE } from '../streams/cache-engine.ts';
import type { AnswerCache, CachedAnswer } from './answer-cache.ts';
import type { DeltaWriter } from './delta-writer.ts';
import type { Generated } from './generate.ts';
import type { Counts, Ending, WorkerIdentity } from './terminal.ts';

type Requested = LoggedEvent & { readonly type: 'InferenceRequested'; readonly data: InferenceRequested };

/**
 * Returns the answer that may be given again to a request that nobody began; null where the model is to be asked. What was
 * handed on by another model was asked for because of its words, not for those of this one.
 */
export function cachedFor(cache: AnswerCache, { data, time }: Requested): CachedAnswer | null {
  const { cacheSeconds } = data.parameters;
  if (cacheSeconds === 0 || data.fallbackFrom.length > 0) return null;
  return cache.find(data.tenantId, data.promptHash, time, cacheSeconds * 1000);
}

/** What is recorded of an answer from the cache: the cache made it, and it costs nothing. */
export function identityOfCache(worker: WorkerIdentity): WorkerIdentity {
  return {
    ...worker,
    engine: CACHE_ENGINE,
    price: { ...worker.price, inputPerMillion: 0, outputPerMillion: 0 },
  };
}

/** Writes the answer in the pieces that it came in. */
export function writeCached(answer: CachedAnswer, writer: Pick<DeltaWriter, 'write'>): Generated {
  const bytes = Buffer.from(answer.content.text ?? '', 'utf8');
  let from = 0;
  for (const length of piecesOf(answer, bytes.length)) {
    const end = from + length;
    const tokens = tokensUpTo(answer, end, bytes) - tokensUpTo(answer, from, bytes);
    writer.write(bytes.toString('utf8', from, end), tokens);
    from = end;
  }
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
  const { cacheSeconds } = request.parameters;
  if (ending.type !== 'completed' || cacheSeconds === 0 || !isOwn || request.fallbackFrom.length > 0)
    return null;
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

/** The recorded pieces, where they are all of the text: an answer that was taken over may have lost some. */
function piecesOf({ deltaBytes }: CachedAnswer, total: number): readonly number[] {
  return deltaBytes.reduce((sum, length) => sum + length, 0) === total ? deltaBytes : [total];
}

/** Tokens are not recorded by piece: they are shared out by bytes. */
function tokensUpTo({ completionTokens }: CachedAnswer, end: number, bytes: Buffer): number {
  return bytes.length === 0 ? 0 : Math.floor((completionTokens * end) / bytes.length);
}
