import type { Place } from '../token.ts';

/** The headers that tell where an answer lies. */
export function answerHeaders(place: Place, token: string): Readonly<Record<string, string>> {
  return {
    'x-steno-inference': place.inferenceId,
    'x-steno-conversation': place.conversationId,
    'x-steno-resume-token': token,
  };
}
