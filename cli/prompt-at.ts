import { ofKey } from '../replay/of-key.ts';
import { nextPrompt } from '../replay/rebuild-prompt.ts';
import { StenoError } from '../runtime/errors.ts';
import type { InferenceRequested } from '../schemas/generated/types.ts';
import { datasets } from '../streams/topics.ts';
import { contextSettings, noConversation, type Looking } from './look-at.ts';

/**
 * Makes the prompt that a conversation would have been asked with at a time (milliseconds since 1970; null for now), had this
 * text come next. Throws StenoError `not_found` and `busy`.
 */
export async function promptAt(
  { config, reading, topicOf }: Pick<Looking, 'config' | 'reading' | 'topicOf'>,
  conversationId: string,
  asOf: number | null,
  text: string,
): Promise<{ readonly prompt: InferenceRequested; readonly tenantId: string }> {
  const all = await ofKey(reading, topicOf(datasets.conversations), conversationId, () => true);
  const found = all.filter(({ time }) => time <= (asOf ?? Number.POSITIVE_INFINITY));
  const first = found.find(({ type }) => type === 'MessageSubmitted');
  if (first?.type !== 'MessageSubmitted') throw noConversation(conversationId);
  const prompt = nextPrompt(found, text, contextSettings(config));
  if (prompt === null)
    throw new StenoError('busy', 'an answer was under way then, or the conversation is erased', {
      fix: 'name another time',
    });
  return { prompt, tenantId: first.data.tenantId };
}
