import type { EventOf } from '../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { isTerminal } from '../../streams/effective-end.ts';
import { decideAttempt, decideCancel } from './cancel.ts';
import { decideEnd } from './end.ts';
import { nothing, type Decision, type Rules } from './rules.ts';
import type { Conversation } from './state.ts';
import { decideMessage } from './submit.ts';

/**
 * Decides what an event of conversations leads to, from the conversation as the log left it before this event. Pure:
 * the same log gives the same prompts, whoever runs it, whenever.
 */
export function decide(event: LoggedEvent, conversation: Conversation | null, rules: Rules): Decision {
  if (event.type === 'MessageSubmitted') return decideMessage(event, conversation, rules);
  if (conversation === null || conversation.row.erased) return nothing;
  if (isTerminal(event)) return decideEnd(event, conversation, rules);
  switch (event.type) {
    case 'AttemptStarted':
      return decideAttempt(event, conversation);
    case 'CancelRequested':
      return decideCancel(event, conversation, rules);
    case 'ConversationChanged':
      return change(event, conversation);
    case 'ConversationErased':
      if (event.data.tenantId !== conversation.row.tenantId) return nothing;
      return {
        outputs: [],
        row: { ...conversation.row, head: null, parked: [], systemPrompt: null, erased: true },
        turns: [],
        forget: true,
      };
    default:
      return nothing;
  }
}

/** The newest so many pins hold: each prompt looks for them. */
const MOST_PINS = 50;

function change(event: LoggedEvent<EventOf<'ConversationChanged'>>, conversation: Conversation): Decision {
  if (event.data.tenantId !== conversation.row.tenantId) return nothing;
  const { systemPrompt, clearContext, pins } = event.data;
  const released = new Set(pins.map(({ messageId }) => messageId));
  const kept = conversation.row.pins.filter((messageId) => !released.has(messageId));
  const pinned = pins.filter((pin) => pin.pinned).map(({ messageId }) => messageId);
  const row = {
    ...conversation.row,
    // An empty one takes it away.
    systemPrompt: systemPrompt === null ? conversation.row.systemPrompt : systemPrompt.text || null,
    pins: [...new Set([...kept, ...pinned])].slice(-MOST_PINS),
    clearedBefore: clearContext ? event.offset : conversation.row.clearedBefore,
  };
  return { ...nothing, row };
}
