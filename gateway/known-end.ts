import type { ConversationQueries } from '../projections/conversations/queries.ts';

/** Where an inference's end lies on conversations. */
export type Terminal = { readonly partition: number; readonly offset: number };

/**
 * Returns the end of an inference if the read model has it. A read model that lags or is out of reach knows of none:
 * the deltas then tell.
 */
export function knownEnd(
  queries: ConversationQueries,
  tenantId: string,
  inferenceId: string,
): Terminal | null {
  try {
    return queries.findInference(tenantId, inferenceId)?.terminal ?? null;
  } catch {
    return null;
  }
}
