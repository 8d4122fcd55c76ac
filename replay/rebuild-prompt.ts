import {
  applyDecision,
  decide,
  type Conversation,
  type Rules,
} from '../processors/prepare-turn/catalogue.ts';
import type { ContextManifest, InferenceRequested } from '../schemas/generated/types.ts';
import type { LoggedEvent } from '../streams/event.ts';
import { textPart } from '../streams/parts.ts';

/** What prepare-turn goes by besides the log, as far as a record does not say it. */
export type PromptSettings = Pick<Rules, 'maxCharacters' | 'ttlMillis'>;

type Submitted = Extract<LoggedEvent, { readonly type: 'MessageSubmitted' }>;

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
    (event): event is Submitted =>
      event.type === 'MessageSubmitted' && event.data.inferenceId === inferenceId,
  );
  if (asked === undefined) return null;
  const room = recorded === null ? ROOM : recorded.budgetTokens + asked.data.parameters.maxTokens;
  return promptFor(asked, room, conversation, settings);
}

/**
 * Returns what a message would be asked with that comes next, to the model and with the parameters of the last one. Null
 * while an answer is under way, which it would wait for, and for a conversation that is erased or has no message.
 */
export function nextPrompt(
  conversation: readonly LoggedEvent[],
  text: string,
  settings: PromptSettings,
): InferenceRequested | null {
  const last = conversation.findLast((event): event is Submitted => event.type === 'MessageSubmitted');
  const end = conversation.at(-1);
  if (last === undefined || end === undefined) return null;
  const before = conversation.findLast(
    (event) => event.type === 'InferenceCompleted' && event.data.context !== null,
  );
  const budget = before?.type === 'InferenceCompleted' ? before.data.context?.budgetTokens : undefined;
  const room = budget === undefined ? ROOM : budget + last.data.parameters.maxTokens;
  const next: Submitted = {
    ...last,
    ...{ offset: end.offset + 1, time: end.time },
    data: {
      ...last.data,
      ...{
        eventId: 'msg_next',
        inferenceId: 'inf_next',
        kind: 'message',
        role: 'user',
        parts: [textPart(text)],
      },
      ...{
        parentId: null,
        targetId: null,
        isNew: false,
        interrupt: false,
        preceding: [],
        instructions: null,
      },
    },
  };
  return promptFor(next, room, [...conversation, next], settings);
}

/** Folds the conversation until it asks for the answer to this message. */
function promptFor(
  asked: Submitted,
  room: number,
  conversation: readonly LoggedEvent[],
  settings: PromptSettings,
): InferenceRequested | null {
  const models = new Map(
    conversation.flatMap((event) =>
      event.type === 'MessageSubmitted'
        ? [[event.data.route.model, { contextLength: ROOM, deadlineMillis: ROOM }] as const]
        : [],
    ),
  );
  let state: Conversation | null = null;
  for (const event of conversation) {
    // The turns before it have their ends on the log; only its own prompt has to be as large as it was.
    if (event === asked) models.set(asked.data.route.model, { contextLength: room, deadlineMillis: ROOM });
    const decision = decide(event, state, {
      ...settings,
      models,
      topics: { conversations: '', deltas: '', turns: '', control: '', requests: () => '' },
      producer: { service: 'replay', version: '' },
      conversationPartition: event.partition,
    });
    for (const output of decision.outputs)
      if (output.type === 'InferenceRequested' && output.data.inferenceId === asked.data.inferenceId)
        return output.data;
    state = applyDecision(state, decision);
  }
  return null;
}
