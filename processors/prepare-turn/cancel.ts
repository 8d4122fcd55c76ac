import type { EventOf } from '../../schemas/generated/types.ts';
import { envelope, type LoggedEvent } from '../../streams/event.ts';
import { cancellationOf } from './outputs.ts';
import { nothing, type Decision, type Rules } from './rules.ts';
import type { Conversation, Turn } from './state.ts';

/** Decides on a stop: already ended, nothing; not yet requested, cancelled at once; else relayed to the workers. */
export function decideCancel(
  event: LoggedEvent<EventOf<'CancelRequested'>>,
  conversation: Conversation,
  rules: Rules,
): Decision {
  const turn = turnOf(conversation, event.data.inferenceId);
  if (turn === null || turn.status === 'ended' || turn.cancelId !== null) return nothing;
  if (event.data.tenantId !== conversation.row.tenantId) return nothing;
  const stopped: Turn = { ...turn, cancelId: event.data.eventId };
  if (turn.status === 'parked') {
    const row = {
      ...conversation.row,
      parked: conversation.row.parked.filter((id) => id !== turn.messageId),
    };
    return {
      outputs: [cancellationOf(row, stopped, event.data, rules)],
      row,
      turns: [stopped],
      forget: false,
    };
  }
  const relayed = {
    type: 'CancelRequested' as const,
    data: { ...event.data, ...envelope(event.data, 'relay', rules.producer, event.time) },
    topic: rules.topics.control,
    key: event.data.inferenceId,
    partition: null,
    trace: event.trace,
  };
  return { ...nothing, outputs: [relayed], turns: [stopped] };
}

/** A taker announced a higher attempt: terminal events of lower ones no longer count. */
export function decideAttempt(
  event: LoggedEvent<EventOf<'AttemptStarted'>>,
  conversation: Conversation,
): Decision {
  const turn = turnOf(conversation, event.data.inferenceId);
  if (turn === null || turn.status === 'ended' || event.data.attempt <= turn.fence) return nothing;
  return { ...nothing, turns: [{ ...turn, fence: event.data.attempt }] };
}

export function turnOf(conversation: Conversation, inferenceId: string): Turn | null {
  const messageId = conversation.byInference.get(inferenceId);
  return messageId === undefined ? null : (conversation.turns.get(messageId) ?? null);
}
