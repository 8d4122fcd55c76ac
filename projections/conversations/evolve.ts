import type { EventOf } from '../../schemas/generated/types.ts';
import { foldEnding, type TerminalEvent } from '../../streams/effective-end.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { storeContent, titleOf } from './content.ts';
import { endTurn, eraseSubject, judgeTurn, rejectTurn, strayTurn, submitTurn } from './evolve-turn.ts';
import type { ConversationRow, TurnRow } from './rows.ts';

/** A conversation and one of the turns that an event names. Null: not there, or to be deleted. */
export type Row = { readonly conversation: ConversationRow | null; readonly turn: TurnRow | null };

/** How many event ids of changes are remembered to drop repeats. */
const REMEMBERED = 32;

/**
 * Folds one event into its conversation and a turn that it names. An event that names several turns is folded once for
 * each. `target` is the turn that a regeneration or an edit names. What is none of the conversation's business, comes
 * from another tenant or was seen before changes nothing: the very same row is returned.
 */
export function evolve(row: Row, event: LoggedEvent, target: TurnRow | null = null): Row {
  const { conversation, turn } = row;
  // Nothing comes after an erasure: also what was still under way when it was folded.
  if (conversation !== null && conversation.erasedAt !== null)
    return turn === null ? row : { conversation, turn: null };
  switch (event.type) {
    case 'MessageSubmitted':
      return submitted(row, event, target);
    case 'MessageRejected':
      return rejected(row, event);
    case 'AttemptStarted':
      return started(row, event);
    case 'InferenceCompleted':
    case 'InferenceFailed':
    case 'InferenceCancelled':
      return ended(row, event);
    case 'FeedbackGiven':
      return turn?.seq === null || turn?.tenant !== event.data.tenantId
        ? row
        : { conversation, turn: judgeTurn(turn, event) };
    case 'ConversationChanged':
      return changed(row, event);
    case 'ConversationErased':
      return ownedBy(conversation, event.data.tenantId)
        ? { conversation: tombstone(conversation, event.time), turn: null }
        : row;
    case 'SubjectErased':
      return subjectErased(row, event);
    default:
      return row;
  }
}

function submitted(row: Row, event: LoggedEvent<EventOf<'MessageSubmitted'>>, target: TurnRow | null): Row {
  const { data, time } = event;
  // The first message of an id wins, even if it was rejected.
  if (row.turn !== null) return row;
  const present = exists(row.conversation);
  if (present ? row.conversation?.tenant !== data.tenantId : !data.isNew) return row;
  const old = present ? row.conversation : null;
  // Places are never given twice, also where every turn so far was rejected.
  const seq = row.conversation?.nextSeq ?? 1;
  const beside = data.kind === 'regenerate' || data.kind === 'edit' ? target : null;
  const parentId = beside === null ? (data.parentId ?? old?.head ?? null) : beside.parentId;
  const conversation: ConversationRow = {
    id: data.conversationId,
    tenant: data.tenantId,
    principal: old?.principal ?? data.principal,
    subject: old?.subject ?? data.subjectId ?? data.principal,
    partition: event.partition,
    title: old?.title ?? titleOf([...data.preceding, data]),
    systemPrompt: old?.systemPrompt ?? null,
    createdAt: old?.createdAt ?? time,
    updatedAt: time,
    archived: old?.archived ?? false,
    turns: (old?.turns ?? 0) + 1,
    nextSeq: seq + 1,
    head: data.eventId,
    erasedAt: null,
    seen: row.conversation?.seen ?? [],
  };
  const turn = submitTurn(event, seq, parentId);
  return {
    conversation,
    turn: beside === null ? turn : { ...turn, ...wordsOf(turn, beside) },
  };
}

/** Another answer, or another question in its place, keeps what was said before; another answer the question as well. */
function wordsOf(turn: TurnRow, target: TurnRow): Pick<TurnRow, 'parts' | 'preceding'> {
  const { preceding } = target;
  return turn.kind === 'regenerate' ? { parts: target.parts, preceding } : { parts: turn.parts, preceding };
}

function rejected(row: Row, event: LoggedEvent<EventOf<'MessageRejected'>>): Row {
  const { conversation } = row;
  const turn = row.turn ?? strayTurn(event, event.data.correlationId);
  if (turn.tenant !== event.data.tenantId || turn.status !== 'running') return row;
  const after = rejectTurn(turn, event);
  if (turn.seq === null || conversation === null) return { conversation, turn: after };
  const head = conversation.head === turn.messageId ? turn.parentId : conversation.head;
  return { conversation: { ...conversation, turns: conversation.turns - 1, head }, turn: after };
}

function started(row: Row, event: LoggedEvent<EventOf<'AttemptStarted'>>): Row {
  const { conversation, turn } = row;
  if (turn === null || turn.tenant !== event.data.tenantId || turn.status !== 'running') return row;
  const [ending] = foldEnding({ fence: turn.fence, ended: false }, event);
  return ending.fence === turn.fence ? row : { conversation, turn: { ...turn, fence: ending.fence } };
}

function ended(row: Row, event: LoggedEvent<TerminalEvent>): Row {
  const { conversation } = row;
  // A message that nobody could decode has a terminal event all the same; whoever asked finds it by its inference.
  const turn = row.turn ?? strayTurn(event, event.data.messageId);
  if (turn.tenant !== event.data.tenantId) return row;
  const [, effective] = foldEnding({ fence: turn.fence, ended: turn.status !== 'running' }, event);
  if (!effective) return row;
  const isPart = conversation !== null && turn.seq !== null;
  return {
    conversation: isPart ? { ...conversation, updatedAt: event.time } : conversation,
    turn: endTurn(turn, event),
  };
}

function changed(row: Row, event: LoggedEvent<EventOf<'ConversationChanged'>>): Row {
  const { conversation, turn } = row;
  const { data } = event;
  if (!ownedBy(conversation, data.tenantId) || conversation.seen.includes(data.eventId)) return row;
  const pin = turn === null ? undefined : data.pins.findLast(({ messageId }) => messageId === turn.messageId);
  return {
    conversation: {
      ...conversation,
      title: data.title?.text ?? conversation.title,
      systemPrompt: data.systemPrompt === null ? conversation.systemPrompt : storeContent(data.systemPrompt),
      archived: data.archived ?? conversation.archived,
      updatedAt: event.time,
      seen: remember(conversation.seen, data.eventId),
    },
    turn: turn !== null && pin !== undefined ? { ...turn, pinned: pin.pinned } : turn,
  };
}

/** The subject's own conversation is erased whole; in another's, only what the subject said and was answered. */
function subjectErased(row: Row, event: LoggedEvent<EventOf<'SubjectErased'>>): Row {
  const { conversation, turn } = row;
  const { data } = event;
  if (!ownedBy(conversation, data.tenantId) || conversation.seen.includes(data.eventId)) return row;
  if (conversation.subject === data.subjectId)
    return { conversation: tombstone(conversation, event.time), turn: null };
  return {
    conversation: { ...conversation, seen: remember(conversation.seen, data.eventId) },
    turn: turn === null ? null : eraseSubject(turn, data.subjectId, event.time),
  };
}

function exists(conversation: ConversationRow | null): boolean {
  return conversation !== null && conversation.turns > 0;
}

function ownedBy(conversation: ConversationRow | null, tenant: string): conversation is ConversationRow {
  return conversation !== null && conversation.turns > 0 && conversation.tenant === tenant;
}

function tombstone(conversation: ConversationRow, time: number): ConversationRow {
  return {
    ...conversation,
    principal: '',
    subject: '',
    title: null,
    systemPrompt: null,
    turns: 0,
    head: null,
    erasedAt: time,
    seen: [],
  };
}

function remember(seen: readonly string[], eventId: string): readonly string[] {
  return [...seen, eventId].slice(-REMEMBERED);
}
