import { Command } from 'commander';
import { evidenceTopics, gatherEvidence } from '../../replay/explain/evidence.ts';
import { explain, type Explanation } from '../../replay/explain/explain.ts';
import { contextSettings, type Looking } from '../look-at.ts';

/** What every command takes that looks at one answer. */
export type InferenceFlags = {
  readonly conversation?: string;
  readonly content: boolean;
  readonly json: boolean;
  readonly purpose?: string;
};

/** Returns a command that looks at one answer; `content` says what words --content shows. */
export function inferenceCommand(name: string, description: string, content: string): Command {
  return new Command(name)
    .description(description)
    .argument('<inference>', 'id of the inference (inf_…)')
    .option('--conversation <id>', 'the conversation it belongs to; spares looking through all')
    .option('--content', content, false)
    .option('--purpose <words>', 'why you look, for the record')
    .option('--json', 'the same for programs', false);
}

/**
 * Explains an answer, and puts on the log that somebody looks, as `action`. Without a conversation all of them are looked
 * through. Throws StenoError `not_found`.
 */
export async function explainInference(
  { config, reading, topicOf, record }: Looking,
  action: string,
  inferenceId: string,
  { conversation, purpose }: InferenceFlags,
): Promise<Explanation> {
  const evidence = await gatherEvidence({
    ...reading,
    ...{ topics: evidenceTopics(topicOf), inferenceId, conversationId: conversation ?? null },
  });
  const found = explain(evidence, contextSettings(config));
  await record({
    ...{ tenantId: found.asked.tenantId, correlationId: found.messageId },
    ...{ action, resource: inferenceId, purpose: purpose ?? null },
  });
  return found;
}
