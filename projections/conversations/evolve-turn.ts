import type { ContextManifest, EventOf } from '../../schemas/generated/types.ts';
import type { TerminalEvent } from '../../streams/effective-end.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { storeContent, storeMessage, storePart } from './content.ts';
import type { StoredAsk, StoredFeedback, TurnRow } from './rows.ts';

/** How many of a principal's judgements of one answer are remembered to drop repeats. */
const REMEMBERED = 32;

/** Returns the turn that an accepted message opens. */
export function submitTurn(
  event: LoggedEvent<EventOf<'MessageSubmitted'>>,
  seq: number,
  parentId: string | null,
): TurnRow {
  const { data } = event;
  return {
    ...strayTurn(event, data.eventId),
    principal: data.principal,
    subject: data.subjectId ?? data.principal,
    seq,
    parentId,
    targetId: data.targetId,
    kind: data.kind,
    role: data.role,
    parts: data.parts.map(storePart),
    preceding: data.preceding.map(storeMessage),
    metadata: data.metadata,
    asked: askOf(event),
    transport: data.transport,
    model: data.route.model,
    bodyFingerprint: data.bodyFingerprint,
    replyPartition: data.replyPartition,
    deltasFrom: data.deltasFrom,
  };
}

function askOf({ data }: EventOf<'MessageSubmitted'>): StoredAsk {
  const { maxTokens, temperature, topP, format, tools } = data.parameters;
  // What a route tells the model is nothing that its callers said, and not theirs to read.
  const own = data.template === null ? data.instructions : null;
  const instructions = own === null ? null : storeContent(own);
  const sampling = { maxTokens, temperature, topP };
  const late = { ...(format === null ? {} : { format }), ...(tools === null ? {} : { tools }) };
  return { at: data.occurredAt, parentId: data.parentId, instructions, ...sampling, ...late };
}

/** Returns what is known of a turn whose message never joined a conversation, so that its end can be told. */
export function strayTurn(
  event: LoggedEvent<TerminalEvent | EventOf<'MessageRejected' | 'MessageSubmitted'>>,
  messageId: string,
): TurnRow {
  const { data } = event;
  return {
    inferenceId: data.inferenceId,
    conversationId: data.conversationId,
    messageId,
    tenant: data.tenantId,
    principal: 'principal' in data ? data.principal : '',
    subject: '',
    partition: event.partition,
    seq: null,
    parentId: null,
    targetId: null,
    kind: 'message',
    role: 'user',
    parts: [],
    preceding: [],
    metadata: {},
    asked: null,
    transport: '',
    model: '',
    bodyFingerprint: '',
    replyPartition: 'replyPartition' in data ? data.replyPartition : 0,
    deltasFrom: 0,
    status: 'running',
    fence: 0,
    answer: null,
    finishReason: null,
    code: null,
    reason: null,
    retryable: false,
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    submittedAt: event.time,
    endedAt: null,
    terminalOffset: null,
    pinned: false,
    erasedAt: null,
    feedback: [],
  };
}

/** Returns the turn after its effective terminal event. */
export function endTurn(turn: TurnRow, event: LoggedEvent<TerminalEvent>): TurnRow {
  const { data } = event;
  return {
    ...turn,
    ...outcomeOf(event),
    ...placeOf(turn, data.context),
    answer: turn.erasedAt === null ? storeContent(data.content) : null,
    model: data.model === '' ? turn.model : data.model,
    promptTokens: data.promptTokens,
    completionTokens: data.completionTokens,
    cachedTokens: data.cachedTokens,
    endedAt: event.time,
    terminalOffset: event.offset,
  };
}

/** Where prepare-turn put a message that came with others, and what of those the turns before do not hold. */
function placeOf(
  { parentId, preceding }: TurnRow,
  context: ContextManifest | null,
): Pick<TurnRow, 'parentId' | 'preceding'> {
  if (context === null || preceding.length === 0) return { parentId, preceding };
  return { parentId: context.parentId, preceding: preceding.slice(context.precedingHeld) };
}

function outcomeOf(
  event: TerminalEvent,
): Pick<TurnRow, 'status' | 'finishReason' | 'code' | 'reason' | 'retryable'> {
  const none = { finishReason: null, code: null, reason: null, retryable: false };
  switch (event.type) {
    case 'InferenceCompleted':
      return { ...none, status: 'completed', finishReason: event.data.finishReason };
    case 'InferenceFailed': {
      const { code, reason, retryable } = event.data;
      return { ...none, status: 'failed', code, reason, retryable };
    }
    case 'InferenceCancelled':
      return { ...none, status: 'cancelled', code: event.data.cancelReason };
  }
}

/** Returns the turn after its message was rejected: its end, like a terminal event. */
export function rejectTurn(turn: TurnRow, event: LoggedEvent<EventOf<'MessageRejected'>>): TurnRow {
  const { code, reason } = event.data;
  return { ...turn, status: 'rejected', code, reason, endedAt: event.time, terminalOffset: event.offset };
}

/** Returns the turn with a principal's latest judgement in place of an earlier one; judges by name. */
export function judgeTurn(turn: TurnRow, event: LoggedEvent<EventOf<'FeedbackGiven'>>): TurnRow {
  const { data } = event;
  const seen = turn.feedback.find(({ principal }) => principal === data.principal)?.seen ?? [];
  if (turn.erasedAt !== null || seen.includes(data.eventId)) return turn;
  const latest: StoredFeedback = {
    principal: data.principal,
    thumb: data.thumb,
    rating: data.rating,
    labels: data.labels,
    comment: data.comment === null ? null : storeContent(data.comment),
    correction: data.correction === null ? null : storeContent(data.correction),
    time: event.time,
    seen: [...seen, data.eventId].slice(-REMEMBERED),
  };
  const others = turn.feedback.filter(({ principal }) => principal !== data.principal);
  const feedback = [...others, latest].sort((a, b) => (a.principal < b.principal ? -1 : 1));
  return { ...turn, feedback };
}

/** Returns the turn without what a subject said: a turn of its own keeps no text, another's none of its judgement. */
export function eraseSubject(turn: TurnRow, subject: string, time: number): TurnRow {
  if (turn.subject === subject) {
    const nothing = { parts: [], preceding: [], metadata: {}, asked: null, answer: null, feedback: [] };
    return { ...turn, ...nothing, erasedAt: time };
  }
  if (!turn.feedback.some(({ principal }) => principal === subject)) return turn;
  const silent = { thumb: 0, rating: null, labels: [], comment: null, correction: null };
  return {
    ...turn,
    feedback: turn.feedback.map((given) => (given.principal === subject ? { ...given, ...silent } : given)),
  };
}
