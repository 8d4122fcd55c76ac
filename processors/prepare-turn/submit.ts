import type { EventOf } from '../../schemas/generated/types.ts';
import { textOf } from '../../streams/parts.ts';
import { envelope, type LoggedEvent, type NewEvent } from '../../streams/event.ts';
import { countTokens } from './count-tokens.ts';
import { decideEndWithoutAttempt, guardOf, requestOf } from './outputs.ts';
import { MAX_PARKED, nothing, type Decision, type Rules } from './rules.ts';
import { PathIndex } from './paths.ts';
import { placeOf } from './place.ts';
import { preparePrompt } from './prompt.ts';
import { nearestOpen, openTurn, type Conversation, type ConversationRow, type Turn } from './state.ts';

type Submitted = LoggedEvent<EventOf<'MessageSubmitted'>>;

/** Decides on a message: attach a repeat, reject, park behind a running answer, or ask for an inference. */
export function decideMessage(event: Submitted, conversation: Conversation | null, rules: Rules): Decision {
  const { data } = event;
  const known = conversation?.turns.get(data.eventId);
  if (known !== undefined && conversation?.row.tenantId === data.tenantId) return attach(event, known, rules);
  const existing = conversation ?? emptyConversation(event);
  if (conversation === null && !data.isNew)
    return reject(event, 'not_found', 'the conversation does not exist', rules);
  if (existing.row.tenantId !== data.tenantId)
    return reject(event, 'not_found', 'the conversation does not exist', rules);
  if (existing.row.erased) return reject(event, 'erased', 'the conversation was erased', rules);

  const place = placeOf(data, existing);
  if (place === null)
    return reject(event, 'parent_not_found', 'the message it follows does not exist', rules);
  const turn = openTurn(data, place, countTokens(textOf(place.parts)), event);
  const row: ConversationRow = { ...existing.row, head: turn.messageId };
  if (nearestOpen(existing.turns, place.parentId) !== null)
    return park(event, { ...existing, row }, turn, rules);
  return request({ ...existing, row }, turn, rules);
}

/** Asks for the inference of a turn whose parent has ended; also used when a parked turn's time has come. */
export function request(conversation: Conversation, turn: Turn, rules: Rules): Decision {
  const prompt = preparePrompt(conversation, turn, rules);
  if (prompt === null) {
    const code = rules.models.has(turn.route.model) ? 'too_large' : 'model_not_found';
    return decideEndWithoutAttempt(conversation, turn, code, rules);
  }
  const requested: Turn = { ...turn, status: 'requested', promptHash: prompt.promptHash };
  return {
    outputs: [
      requestOf(conversation.row, requested, prompt, rules),
      ...guardOf(conversation.row, requested, prompt.findings, rules),
    ],
    row: conversation.row,
    turns: [requested],
    forget: false,
  };
}

/** Ends a message that nobody could decide on: its record lies in dead letters, and whoever waits is told. */
export function decideDeadLettered(
  event: Submitted,
  conversation: Conversation | null,
  rules: Rules,
): Decision {
  const existing = conversation ?? emptyConversation(event);
  if (existing.row.tenantId !== event.data.tenantId || existing.turns.has(event.data.eventId)) return nothing;
  const { role, parts } = event.data;
  const place = { parentId: null, role, parts, preceding: [], held: 0, systemFrom: null, instructions: null };
  const turn = openTurn(event.data, place, 0, event);
  return decideEndWithoutAttempt(existing, turn, 'dead_lettered', rules);
}

function attach(event: Submitted, first: Turn, rules: Rules): Decision {
  const { data } = event;
  const attached = {
    inferenceId: first.inferenceId,
    conversationId: data.conversationId,
    messageId: first.messageId,
    replyPartition: first.replyPartition,
    deltasFrom: first.deltasFrom,
    sameBody: first.bodyFingerprint === data.bodyFingerprint,
  };
  const output = {
    type: 'InferenceAttached' as const,
    data: attached,
    topic: rules.topics.deltas,
    key: first.inferenceId,
    partition: data.replyPartition,
  };
  return { ...nothing, outputs: [output] };
}

function park(event: Submitted, conversation: Conversation, turn: Turn, rules: Rules): Decision {
  const { row } = conversation;
  if (row.parked.length >= MAX_PARKED) {
    return reject(
      event,
      'conversation_busy',
      `${MAX_PARKED} messages of this conversation wait already`,
      rules,
    );
  }
  const outputs = event.data.interrupt ? interruptAll(event, conversation, turn, rules) : [];
  return { outputs, row: { ...row, parked: [...row.parked, turn.messageId] }, turns: [turn], forget: false };
}

/** Stops everything that the message would wait for: what waits itself, then what runs. */
function interruptAll(
  event: Submitted,
  conversation: Conversation,
  turn: Turn,
  rules: Rules,
): readonly NewEvent[] {
  const outputs: NewEvent[] = [];
  const { turns } = conversation;
  for (
    let open = nearestOpen(turns, turn.parentId);
    open !== null;
    open = nearestOpen(turns, open.parentId)
  ) {
    const data = {
      ...envelope(event.data, `interrupt:${open.inferenceId}`, rules.producer, event.time),
      conversationId: conversation.row.conversationId,
      inferenceId: open.inferenceId,
      principal: event.data.principal,
      reason: 'interrupt' as const,
    };
    outputs.push({
      type: 'CancelRequested',
      data,
      topic: rules.topics.conversations,
      key: conversation.row.conversationId,
      partition: rules.conversationPartition,
    });
  }
  return outputs;
}

function emptyConversation(event: Submitted): Conversation {
  const row: ConversationRow = {
    conversationId: event.data.conversationId,
    tenantId: event.data.tenantId,
    head: null,
    parked: [],
    systemPrompt: null,
    clearedBefore: 0,
    pins: [],
    erased: false,
  };
  return { row, turns: new Map(), byInference: new Map(), paths: new PathIndex() };
}

/** Rejects a message: recorded, told to its gateway, measured; the conversation stays as it is. */
function reject(event: Submitted, code: string, reason: string, rules: Rules): Decision {
  const { data } = event;
  const { conversationId, inferenceId, principal, replyPartition } = data;
  const stamp = (step: string): ReturnType<typeof envelope> =>
    envelope(data, step, rules.producer, event.time);
  return {
    ...nothing,
    outputs: [
      {
        type: 'MessageRejected',
        data: { ...stamp('rejected'), conversationId, inferenceId, principal, code, reason, replyPartition },
        topic: rules.topics.conversations,
        key: conversationId,
        partition: rules.conversationPartition,
      },
      {
        type: 'InferenceEnded',
        data: {
          inferenceId,
          conversationId,
          messageId: data.eventId,
          outcome: 'rejected',
          claim: '',
          seq: 0,
          textBytes: 0,
          textHash: '',
          recordedAt: event.time,
          recordPartition: event.partition,
          recordOffset: event.offset,
          model: data.route.model,
          finishReason: null,
          code,
          reason,
          retryable: code === 'conversation_busy',
          promptTokens: 0,
          completionTokens: 0,
          cachedTokens: 0,
          submittedAt: event.time,
        },
        topic: rules.topics.deltas,
        key: inferenceId,
        partition: replyPartition,
      },
      {
        type: 'TurnMeasured',
        data: {
          ...stamp('measured'),
          conversationId,
          inferenceId,
          messageId: data.eventId,
          principal,
          keyId: data.keyId,
          transport: data.transport,
          outcome: 'rejected',
          code,
          finishReason: null,
          model: data.route.model,
          pool: data.route.pool,
          tier: data.route.tier,
          canaryBucket: data.route.canaryBucket,
          configVersion: data.configVersion,
          promptHash: '',
          attempts: 0,
          promptTokens: 0,
          completionTokens: 0,
          cachedTokens: 0,
          textBytes: 0,
          deltas: 0,
          submittedAt: event.time,
          endedAt: event.time,
          queueMillis: null,
          firstDeltaMillis: null,
          totalMillis: 0,
          recordPartition: event.partition,
          recordOffset: event.offset,
          answeredBy: null,
        },
        topic: rules.topics.turns,
        key: conversationId,
        partition: null,
      },
    ],
  };
}
