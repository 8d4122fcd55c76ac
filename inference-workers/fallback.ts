import type { InferenceRequested } from '../schemas/generated/types.ts';
import { envelope, type NewEvent } from '../streams/event.ts';
import type { WorkerIdentity } from './terminal.ts';

/** A model as far as falling back on it goes. */
export type FallbackModel = {
  readonly id: string;
  readonly pool: string;
  readonly maxOutputTokens: number;
  readonly price: WorkerIdentity['price'];
};

/**
 * What tells against the model that was asked, and not against the prompt: another one may still answer. Codes of
 * `Engine.generate`.
 */
const AGAINST_THE_MODEL = new Set(['engine_unavailable', 'engine_failed', 'model_not_loaded', 'timeout']);

/** True if another model may answer where this one failed so. */
export function mayFallBack(code: string): boolean {
  return AGAINST_THE_MODEL.has(code);
}

/**
 * Returns the model to ask next: the first of the route's chain that was not asked yet; null at its end. So every model is
 * asked at most once for an inference, whoever fails.
 */
export function nextModel(
  { fallbackFrom, route }: Pick<InferenceRequested, 'fallbackFrom' | 'route'>,
  ownModel: string,
  models: readonly FallbackModel[],
): FallbackModel | null {
  const asked = [...fallbackFrom, ownModel];
  const next = route.fallbacks.find((id) => !asked.includes(id));
  return models.find(({ id }) => id === next) ?? null;
}

/**
 * Returns the request that hands an inference to another model, which takes it over after the text that is there. Once it
 * is acknowledged the inference is no longer ours: until then, whoever is given the first request again takes it over
 * too, and the higher attempt answers.
 */
export function handedOn(
  request: InferenceRequested,
  next: FallbackModel,
  worker: WorkerIdentity,
  place: {
    readonly topic: string;
    readonly claim: string;
    readonly now: number;
    readonly trace: string | null;
  },
): NewEvent {
  const { parameters, route, fallbackFrom } = request;
  return {
    type: 'InferenceRequested',
    data: {
      ...request,
      ...envelope(request, `fallback:${place.claim}`, worker.producer, place.now),
      parameters: { ...parameters, maxTokens: Math.min(parameters.maxTokens, next.maxOutputTokens) },
      route: { ...route, pool: next.pool, model: next.id },
      fallbackFrom: [...fallbackFrom, worker.model],
    },
    topic: place.topic,
    key: request.conversationId,
    partition: null,
    trace: place.trace,
  };
}
