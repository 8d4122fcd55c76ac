import { degradedSentence } from './degraded-sentence.ts';
import type { InferenceRequested } from '../schemas/generated/types.ts';
import { DEGRADED_ENGINE, DEGRADED_MODEL } from '../streams/degraded.ts';
import type { AnswerCache, CachedAnswer } from './answer-cache.ts';
import {
  cachedFor,
  free,
  identityOfCache,
  writeCached,
  writePieces,
  type Requested,
  type Writer,
} from './cached-answer.ts';
import type { FallbackModel } from './fallback.ts';
import type { Generated } from './generate.ts';
import type { WorkerIdentity } from './terminal.ts';

/** What decides what is given behind the end of a chain. */
type AtTheEnd = {
  readonly data: Pick<InferenceRequested, 'tenantId' | 'promptHash' | 'route' | 'parameters'>;
  /** When it was appended, by the broker. */
  readonly time: number;
};

/** An answer that no model is asked for. */
export type GivenAnswer = {
  readonly outcome: 'from_cache' | 'degraded';
  readonly text: string;
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
  if (request.data.route.model === DEGRADED_MODEL) return degraded(answers, request, worker);
  const cached = redelivered ? null : cachedFor(answers, request);
  return cached === null ? null : fromCache(cached, worker);
}

/** What is given behind the end of a chain; null where it was to be JSON or to call a tool, which a sentence does not. */
function degraded(
  answers: AnswerCache,
  { data, time }: AtTheEnd,
  worker: WorkerIdentity,
): GivenAnswer | null {
  const old = data.parameters.cacheSeconds > 0;
  const known = old ? answers.find(data.tenantId, data.promptHash, time, Infinity) : null;
  const { format, tools } = data.parameters;
  const mayBeSaid = format === null && (tools === null || tools.choice === 'auto');
  if (known === null) return mayBeSaid ? sentence(data, worker) : null;
  return { ...fromCache(known, worker), outcome: 'degraded' };
}

/**
 * True where the sentence was said already, by whoever was handed the inference before the worker that handed it on could
 * commit: then no model is to go on after it.
 */
export function saysNoMore({ route, parameters }: AtTheEnd['data'], text: string): boolean {
  return route.fallbacks.includes(DEGRADED_MODEL) && text === degradedSentence(parameters.locale);
}

/** The last step of a chain: the pool's own workers say it, because no model is needed for it. */
export function degradeTo(
  answers: AnswerCache,
  request: AtTheEnd,
  worker: WorkerIdentity,
  written: string,
): FallbackModel | null {
  const { route } = request.data;
  if (route.model === DEGRADED_MODEL || !route.fallbacks.includes(DEGRADED_MODEL)) return null;
  // Other text that was shown is not followed by an excuse.
  if (degraded(answers, request, worker)?.text.startsWith(written) !== true) return null;
  const price = { inputPerMillion: 0, outputPerMillion: 0, currency: '' };
  return { id: DEGRADED_MODEL, pool: route.pool, maxOutputTokens: Number.MAX_SAFE_INTEGER, price };
}

function fromCache(answer: CachedAnswer, worker: WorkerIdentity): GivenAnswer {
  return {
    outcome: 'from_cache',
    text: answer.content.text ?? '',
    worker: { ...identityOfCache(worker), model: answer.model },
    write: (writer) => writeCached(answer, writer),
  };
}

function sentence({ parameters }: AtTheEnd['data'], worker: WorkerIdentity): GivenAnswer {
  const text = degradedSentence(parameters.locale);
  return {
    outcome: 'degraded',
    text,
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
