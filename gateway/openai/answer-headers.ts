import type { End } from '../streams/frames.ts';
import type { Place } from '../token.ts';

/** The headers that tell where an answer lies. */
export function answerHeaders(place: Place, token: string): Readonly<Record<string, string>> {
  return {
    'x-steno-inference': place.inferenceId,
    'x-steno-conversation': place.conversationId,
    'x-steno-resume-token': token,
  };
}

/** Of an answer that another inference made before. */
export const FROM_CACHE: Readonly<Record<string, string>> = { 'x-steno-cache': 'hit' };

/** The headers of an answer that ended, and what tells that it came from the cache. */
export function endHeaders(headers: Readonly<Record<string, string>>, { isCached }: End): typeof headers {
  return isCached === true ? { ...headers, ...FROM_CACHE } : headers;
}
