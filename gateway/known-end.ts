import type { ConversationQueries } from '../projections/conversations/queries.ts';

/** Where an inference's end lies on conversations. */
export type Terminal = { readonly partition: number; readonly offset: number };

/** Returns what the read model knows of an inference; null where it lags or is out of reach. */
export function knownInference(
  queries: ConversationQueries,
  tenantId: string,
  inferenceId: string,
): ReturnType<ConversationQueries['findInference']> {
  try {
    return queries.findInference(tenantId, inferenceId);
  } catch {
    return null;
  }
}

/**
 * Returns the end of an inference if the read model has it. A read model that lags or is out of reach knows of none:
 * the deltas then tell.
 */
export function knownEnd(
  queries: ConversationQueries,
  tenantId: string,
  inferenceId: string,
): Terminal | null {
  return knownInference(queries, tenantId, inferenceId)?.terminal ?? null;
}
