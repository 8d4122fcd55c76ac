import {
  applyDecision,
  decide,
  type Conversation,
  type Rules,
} from '../../processors/prepare-turn/catalogue.ts';
import type { ContextManifest, InferenceRequested } from '../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../streams/event.ts';

/** What prepare-turn goes by besides the log, as far as a record does not say it. */
export type PromptSettings = Pick<Rules, 'maxCharacters' | 'ttlMillis'>;

/** Room for every prompt: of those that had none the log itself says so. */
const ROOM = Number.MAX_SAFE_INTEGER;

/**
 * Makes the prompt of an inference again, with the function that made it: from the events of its conversation in log order and
 * the budget that its manifest has. Null if the log asks for none: the message was rejected, or ended before.
 */
export function rebuildPrompt(
  conversation: readonly LoggedEvent[],
  inferenceId: string,
  recorded: Pick<ContextManifest, 'budgetTokens'> | null,
  settings: PromptSettings,
): InferenceRequested | null {
  const asked = conversation.find(
    (event) => event.type === 'MessageSubmitted' && event.data.inferenceId === inferenceId,
  );
  if (asked?.type !== 'MessageSubmitted') return null;
  const { route, parameters } = asked.data;
  const room = recorded === null ? ROOM : recorded.budgetTokens + parameters.maxTokens;
  const models = new Map(
    conversation.flatMap((event) =>
      event.type === 'MessageSubmitted'
        ? [[event.data.route.model, { contextLength: ROOM, deadlineMillis: ROOM }] as const]
        : [],
    ),
  );
  const rules = (partition: number): Rules => ({
    ...settings,
    models,
    topics: { conversations: '', deltas: '', turns: '', control: '', requests: () => '' },
    producer: { service: 'explain', version: '' },
    conversationPartition: partition,
  });
  let state: Conversation | null = null;
  for (const event of conversation) {
    // The turns before it have their ends on the log; only its own prompt has to be as large as it was.
    if (event === asked) models.set(route.model, { contextLength: room, deadlineMillis: ROOM });
    const decision = decide(event, state, rules(event.partition));
    for (const output of decision.outputs)
      if (output.type === 'InferenceRequested' && output.data.inferenceId === inferenceId) return output.data;
    state = applyDecision(state, decision);
  }
  return null;
}
