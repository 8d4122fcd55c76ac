import type { ConversationQueries } from '../../../projections/conversations/queries.ts';
import { errorCode } from '../../../runtime/errors.ts';
import type { Call } from '../../call.ts';
import { notFound, type Locate } from '../../locate.ts';
import { refuse } from '../../problems.ts';
import type { Place } from '../../token.ts';
import { inferenceOfResponse } from './response-id.ts';
import { factsOfInference, type InferenceView, type ResponseFacts } from './response.ts';

export type FoundResponse = {
  readonly place: Place;
  readonly view: InferenceView;
  readonly facts: ResponseFacts;
};

/**
 * Finds responses of the caller's own. All else throws `not_found`, once the read model has passed the end that the log
 * had when the request came; `unavailable` where it does not within 5 s.
 */
export interface FindResponse {
  /** Where it lies. */
  place(call: Call, responseId: string): Promise<Place>;
  /** What is known of it. `settled`: as it stood when the request came, or later. Throws `erased` as well. */
  known(call: Call, responseId: string, options: { readonly settled: boolean }): Promise<FoundResponse>;
}

export function createFindResponse(deps: {
  readonly locate: Locate;
  readonly queries: ConversationQueries;
}): FindResponse {
  const { locate, queries } = deps;

  async function placeOf(call: Call, responseId: string): Promise<Place> {
    const inferenceId = inferenceOfResponse(responseId);
    if (inferenceId === null) throw notFound('response');
    try {
      return (await locate.inference(call, { token: null, inferenceId })).place;
    } catch (error) {
      throw errorCode(error) === 'not_found' ? notFound('response') : error;
    }
  }

  return {
    place: placeOf,
    async known(call, responseId, { settled }) {
      const place = await placeOf(call, responseId);
      const { tenantId, conversationId, inferenceId } = place;
      const look = (): InferenceView | null => queries.findInference(tenantId, inferenceId);
      const isEnough = (view: InferenceView | null): boolean =>
        view !== null && (!settled || view.terminal !== null);
      const view =
        (await locate.inConversation(conversationId, () => {
          const found = look();
          return isEnough(found) ? found : null;
        })) ?? look();
      if (view === null) throw notFound('response');
      const facts = factsOfInference(view);
      // A message that never joined its conversation has no response.
      if (facts === null)
        throw view.status === 'rejected'
          ? notFound('response')
          : refuse('erased', 'this response was erased');
      return { place, view, facts };
    },
  };
}
