import assert from 'node:assert/strict';
import { foldAll, type Changes } from '../../../../projections/conversations/fold.ts';
import type { ConversationRow, TurnRow } from '../../../../projections/conversations/rows.ts';
import { foldHash } from '../../../../projections/conversations/state-hash.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { inferenceIdOf } from '../../../../streams/ids.ts';
import { inOrder } from '../conversation-events.ts';

export function fold(events: readonly LoggedEvent[]): Changes {
  return foldAll(inOrder(events));
}

export function conversationAfter(...events: readonly LoggedEvent[]): ConversationRow {
  const row = fold(events).conversations.get('conversation-1');
  assert.ok(row, 'there is a conversation');
  return row;
}

export function turnAfter(messageId: string, ...events: readonly LoggedEvent[]): TurnRow {
  const row = fold(events).turns.get(inferenceIdOf(messageId));
  assert.ok(row, `there is a turn ${messageId}`);
  return row;
}

/** Given some events, another one changes nothing. */
export function changesNothing(event: LoggedEvent, ...given: readonly LoggedEvent[]): void {
  assert.equal(foldHash(fold([...given, event])), foldHash(fold(given)));
}
