import type { EventOf, InferenceFailed } from '../../schemas/generated/types.ts';
import { noPieces, type Pieces } from '../../streams/delta-pieces.ts';
import { envelope, type Cause, type NewEvent } from '../../streams/event.ts';
import { sha256 } from '../../streams/ids.ts';
import type { PreparedPrompt } from './prompt.ts';
import { deadlineOf, type Decision, type Rules } from './rules.ts';
import type { Conversation, ConversationRow, Turn } from './state.ts';

const EMPTY_HASH = sha256('');

/** The cause of everything that follows from a message, whenever it follows: its own id. */
export function causeOf(row: ConversationRow, turn: Turn): Cause {
  return { eventId: turn.messageId, correlationId: turn.messageId, tenantId: row.tenantId };
}

/** Returns the request for a turn's inference. Its id depends on the message alone, so a repeat makes no second one. */
export function requestOf(row: ConversationRow, turn: Turn, prompt: PreparedPrompt, rules: Rules): NewEvent {
  return {
    type: 'InferenceRequested',
    data: {
      ...envelope(causeOf(row, turn), 'request', rules.producer, turn.submittedAt),
      conversationId: row.conversationId,
      inferenceId: turn.inferenceId,
      messageId: turn.messageId,
      principal: turn.principal,
      keyId: turn.keyId,
      route: turn.route,
      messages: prompt.messages,
      parameters: turn.parameters,
      context: prompt.context,
      promptHash: prompt.promptHash,
      conversationPartition: rules.conversationPartition,
      messageOffset: turn.offset,
      replyPartition: turn.replyPartition,
      deltasFrom: turn.deltasFrom,
      deadlineMillis: deadlineOf(rules, turn.route.model, turn.route.tier),
      submittedAt: turn.submittedAt,
      codeVersion: rules.producer.version,
      fallbackFrom: [],
    },
    topic: rules.topics.requests(turn.route.pool, turn.route.tier),
    key: row.conversationId,
    partition: null,
    trace: turn.trace,
  };
}

/** Returns the event that says what was kept out of a turn's prompt; nothing where nothing was. */
export function guardOf(
  row: ConversationRow,
  turn: Turn,
  findings: PreparedPrompt['findings'],
  rules: Rules,
): readonly NewEvent[] {
  if (findings.length === 0) return [];
  const { conversationId } = row;
  const { inferenceId, messageId, principal } = turn;
  return [
    {
      type: 'GuardApplied',
      data: {
        ...envelope(causeOf(row, turn), 'guard:model', rules.producer, turn.submittedAt),
        ...{ conversationId, inferenceId, messageId, principal },
        guard: 'personal_data',
        action: 'redacted_before_model',
        findings,
      },
      topic: rules.topics.turns,
      key: conversationId,
      partition: null,
    },
  ];
}

type EndWithoutAttempt = 'too_large' | 'model_not_found' | 'timeout' | 'dead_lettered';

const REASONS: Readonly<Record<EndWithoutAttempt, string>> = {
  too_large: 'the message does not fit into the context window of the model',
  model_not_found: 'no model of this name is in the catalogue',
  timeout: 'the answer did not come within its deadline',
  dead_lettered: 'the message could not be processed and was set aside',
};

/** The fields of a terminal event that prepare-turn writes itself: no model ran for it. */
export function endFields(
  row: ConversationRow,
  turn: Turn,
  partial: {
    readonly attempt: number;
    readonly claim: string;
    readonly text: string;
    readonly nextSeq: number;
    readonly firstSeq: number;
    readonly pieces: Pieces;
  },
): Omit<
  InferenceFailed,
  | 'eventId'
  | 'occurredAt'
  | 'causationId'
  | 'correlationId'
  | 'producer'
  | 'tenantId'
  | 'code'
  | 'reason'
  | 'retryable'
> {
  return {
    conversationId: row.conversationId,
    inferenceId: turn.inferenceId,
    messageId: turn.messageId,
    requestId: '',
    attempt: partial.attempt,
    claim: partial.claim,
    model: turn.route.model,
    modelHash: '',
    engine: '',
    promptHash: turn.promptHash,
    context: null,
    templateHash: '',
    codeVersion: '',
    content: { text: partial.text, sealed: null, keyId: null },
    textBytes: Buffer.byteLength(partial.text, 'utf8'),
    textHash: partial.text === '' ? EMPTY_HASH : sha256(partial.text),
    firstSeq: partial.firstSeq,
    nextSeq: partial.nextSeq,
    ...partial.pieces,
    startedAt: turn.submittedAt,
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
  };
}

/** No text, no attempt. */
export const NO_TEXT = {
  attempt: 0,
  claim: '',
  text: '',
  nextSeq: 0,
  firstSeq: 0,
  pieces: noPieces,
} as const;

/** Returns the failure of an inference that prepare-turn ends itself. */
export function failureOf(
  row: ConversationRow,
  turn: Turn,
  code: EndWithoutAttempt,
  partial: Parameters<typeof endFields>[2],
  rules: Rules,
): NewEvent {
  return {
    type: 'InferenceFailed',
    data: {
      ...envelope(causeOf(row, turn), `failed:${code}:${partial.attempt}`, rules.producer, turn.submittedAt),
      ...endFields(row, turn, partial),
      code,
      reason: REASONS[code],
      retryable: code === 'timeout',
    },
    topic: rules.topics.conversations,
    key: row.conversationId,
    partition: rules.conversationPartition,
    trace: turn.trace,
  };
}

/** Returns the cancellation of an inference that no worker has yet. */
export function cancellationOf(
  row: ConversationRow,
  turn: Turn,
  cancel: EventOf<'CancelRequested'>['data'],
  rules: Rules,
): NewEvent {
  return {
    type: 'InferenceCancelled',
    data: {
      ...envelope(cancel, 'cancelled', rules.producer, turn.submittedAt),
      ...endFields(row, turn, NO_TEXT),
      cancelId: cancel.eventId,
      cancelReason: cancel.reason,
    },
    topic: rules.topics.conversations,
    key: row.conversationId,
    partition: rules.conversationPartition,
    trace: turn.trace,
  };
}

/** Ends a turn that never reached a worker: its terminal event goes to the log, and takes effect when it is folded. */
export function decideEndWithoutAttempt(
  conversation: Conversation,
  turn: Turn,
  code: EndWithoutAttempt,
  rules: Rules,
): Decision {
  const waiting: Turn = { ...turn, status: 'requested' };
  return {
    outputs: [failureOf(conversation.row, waiting, code, NO_TEXT, rules)],
    row: conversation.row,
    turns: [waiting],
    forget: false,
  };
}
