import { evidenceTopics, gatherEvidence } from '../../replay/explain/evidence.ts';
import { explain, type Explanation } from '../../replay/explain/explain.ts';
import { contextSettings, type Looking } from '../look-at.ts';

/** Explains an answer; without a conversation all of them are looked through. Throws StenoError `not_found`. */
export async function explainInference(
  { config, reading, topicOf }: Pick<Looking, 'config' | 'reading' | 'topicOf'>,
  inferenceId: string,
  conversationId: string | undefined,
): Promise<Explanation> {
  const evidence = await gatherEvidence({
    ...reading,
    ...{ topics: evidenceTopics(topicOf), inferenceId, conversationId: conversationId ?? null },
  });
  return explain(evidence, contextSettings(config));
}
