import { degradedSentence } from './degraded-sentence.ts';
import type { InferenceRequested } from '../schemas/generated/types.ts';
import { DEGRADED_ENGINE, DEGRADED_MODEL } from '../streams/degraded.ts';
import type { LoggedEvent } from '../streams/event.ts';
import type { AnswerCache, CachedAnswer } from './answer-cache.ts';
import { cachedFor, free, identityOfCache, writeCached, writePieces, type Writer } from './cached-answer.ts';
import type { FallbackModel } from './fallback.ts';
import type { Generated } from './generate.ts';
import type { WorkerIdentity } from './terminal.ts';

type Requested = LoggedEvent & { readonly type: 'InferenceRequested'; readonly data: InferenceRequested };

/** An answer that no model is asked for. */
export type GivenAnswer = {
  readonly outcome: 'from_cache' | 'degraded';
  /** Who answers: recorded with everything it says. */
  readonly worker: WorkerIdentity;
  readonly write: (writer: Writer) => Generated;
};

/**
 * Returns the answer that a request gets without a model: from the cache, or, behind the end of its chain, an answer to
 * the same prompt of whatever age, else a sentence. Null where a model is to be asked. A request that somebody may have
 * begun is not looked up: its text may have begun otherwise.
 */
export function givenAnswer(
  answers: AnswerCache,
  request: Requested,
  worker: WorkerIdentity,
  redelivered: boolean,
): GivenAnswer | null {
  const { data, time } = request;
  if (data.route.model === DEGRADED_MODEL) {
    const old = data.parameters.cacheSeconds > 0;
    const known = old ? answers.find(data.tenantId, data.promptHash, time, Infinity) : null;
    return known === null ? sentence(data, worker) : { ...fromCache(known, worker), outcome: 'degraded' };
  }
  const cached = redelivered ? null : cachedFor(answers, request);
  return cached === null ? null : fromCache(cached, worker);
}

/** The last step of a chain: the pool's own workers say it, because no model is needed for it. */
export function degradeTo(
  { route, fallbackFrom }: Pick<InferenceRequested, 'route' | 'fallbackFrom'>,
  written: string,
): FallbackModel | null {
  // Text that was shown is not followed by an excuse, and an excuse by none.
  const isOver = written !== '' || fallbackFrom.includes(DEGRADED_MODEL);
  if (isOver || route.model === DEGRADED_MODEL || !route.fallbacks.includes(DEGRADED_MODEL)) return null;
  const price = { inputPerMillion: 0, outputPerMillion: 0, currency: '' };
  return { id: DEGRADED_MODEL, pool: route.pool, maxOutputTokens: Number.MAX_SAFE_INTEGER, price };
}

function fromCache(answer: CachedAnswer, worker: WorkerIdentity): GivenAnswer {
  return {
    outcome: 'from_cache',
    worker: { ...identityOfCache(worker), model: answer.model },
    write: (writer) => writeCached(answer, writer),
  };
}

function sentence({ parameters }: InferenceRequested, worker: WorkerIdentity): GivenAnswer {
  const text = degradedSentence(parameters.locale);
  return {
    outcome: 'degraded',
    worker: {
      ...free(worker),
      ...{ engine: DEGRADED_ENGINE, model: DEGRADED_MODEL, modelHash: '', templateHash: '' },
    },
    write(writer) {
      writePieces([[text, 0]], writer);
      return {
        ending: { type: 'completed', finishReason: 'stop' },
        counts: { promptTokens: 0, completionTokens: 0, cachedTokens: 0 },
      };
    },
  };
}
