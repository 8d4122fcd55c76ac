import type { Content, EventMap, EventType } from '../../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../../streams/event.ts';
import { inferenceIdOf } from '../../../streams/ids.ts';
import { someParameters } from '../../support/builders.ts';

const TOPIC = 'steno.conversations.v1';

export function plain(text: string): Content {
  return { text, sealed: null, keyId: null };
}

const envelope = {
  eventId: 'event-1',
  occurredAt: 1,
  causationId: 'cause-1',
  correlationId: 'message-1',
  producer: { service: 'test', version: '1' },
  tenantId: 'tenant-1',
};
const conversation = { ...envelope, conversationId: 'conversation-1' };
const inference = { ...conversation, inferenceId: inferenceIdOf('message-1') };

const terminal = {
  ...inference,
  messageId: 'message-1',
  requestId: 'request-1',
  attempt: 1,
  claim: 'claim-1',
  model: 'model-1',
  modelHash: '',
  engine: 'scripted',
  promptHash: '',
  context: null,
  templateHash: '',
  codeVersion: '1',
  content: plain('An answer.'),
  textBytes: 10,
  textHash: '',
  firstSeq: 0,
  nextSeq: 1,
  deltaBytes: [10],
  deltaMillis: [5],
  startedAt: 1,
  promptTokens: 12,
  completionTokens: 3,
  cachedTokens: 0,
};

const defaults: { readonly [Type in EventType]?: EventMap[Type] } = {
  MessageSubmitted: {
    ...inference,
    eventId: 'message-1',
    principal: 'anna',
    keyId: null,
    subjectId: null,
    transport: 'websocket',
    kind: 'message',
    parentId: null,
    targetId: null,
    isNew: true,
    interrupt: false,
    role: 'user',
    parts: [{ type: 'text', text: plain('A question?'), toolCall: null, toolResult: null, media: null }],
    preceding: [],
    instructions: null,
    metadata: {},
    redactBeforeModel: [],
    parameters: someParameters(),
    route: { pool: 'small', tier: 'interactive', model: 'model-asked', canaryBucket: -1, fallbacks: [] },
    replyPartition: 3,
    deltasFrom: 42,
    configVersion: 'config-1',
    bodyFingerprint: 'body-1',
    template: null,
  },
  MessageRejected: {
    ...inference,
    principal: 'anna',
    code: 'not_found',
    reason: 'No such conversation.',
    replyPartition: 3,
  },
  AttemptStarted: {
    ...inference,
    attempt: 2,
    claim: 'claim-2',
    reason: 'redelivered',
    workerId: 'worker-2',
    engine: 'scripted',
    model: 'model-1',
  },
  InferenceCompleted: { ...terminal, finishReason: 'stop', toolCalls: [] },
  InferenceFailed: { ...terminal, code: 'timeout', reason: 'It took too long.', retryable: true },
  InferenceCancelled: { ...terminal, cancelId: 'cancel-1', cancelReason: 'stop' },
  FeedbackGiven: {
    ...inference,
    principal: 'anna',
    thumb: 1,
    rating: null,
    labels: [],
    comment: null,
    correction: null,
  },
  ConversationChanged: {
    ...conversation,
    principal: 'anna',
    title: null,
    systemPrompt: null,
    archived: null,
    clearContext: false,
    pins: [],
  },
  ConversationErased: { ...conversation, principal: 'anna', reason: 'asked', keyIds: [] },
  SubjectErased: { ...conversation, subjectId: 'anna', principal: 'admin', keyIds: [] },
};

export type Place = { readonly offset: number; readonly partition: number };

/** An event with fixed defaults; its time follows from its offset. */
export function logged<Type extends EventType>(
  type: Type,
  fields: Partial<EventMap[Type]> = {},
  place: Partial<Place> = {},
): LoggedEvent {
  const { offset = 0, partition = 0 } = place;
  const data = { ...defaults[type], ...fields };
  // The pair of type and data is right by the signature; TypeScript cannot follow it.
  return {
    type,
    data,
    topic: TOPIC,
    partition,
    offset,
    time: 1_000 + offset,
    trace: null,
  } as unknown as LoggedEvent;
}

/** A message of a conversation that began before; its inference follows from its id. */
export function message(
  id: string,
  fields: Partial<EventMap['MessageSubmitted']> = {},
  place: Partial<Place> = {},
): LoggedEvent {
  const ids = { eventId: id, correlationId: id, inferenceId: inferenceIdOf(id) };
  return logged('MessageSubmitted', { ...ids, isNew: id === 'message-1', ...fields }, place);
}

/** Any other event about the turn of a message. */
export function about<Type extends EventType>(
  type: Type,
  messageId: string,
  eventId: string,
  fields: Partial<EventMap[Type]> = {},
): LoggedEvent {
  const ids = { eventId, messageId, correlationId: messageId, inferenceId: inferenceIdOf(messageId) };
  return logged(type, { ...ids, ...fields });
}

/** The events as they lie on one partition: offsets in order. */
export function inOrder(events: readonly LoggedEvent[], partition = 0): LoggedEvent[] {
  return events.map((event, offset) => ({ ...event, partition, offset, time: 1_000 + offset }));
}
