import type {
  AnyEvent,
  EventOf,
  InferenceFailed,
  MessagePart,
  MessageSubmitted,
  Parameters,
  PromptMessage,
  Role,
} from '../../schemas/generated/types.ts';
import type { Envelope, LoggedEvent } from '../../streams/event.ts';
import { sha256 } from '../../streams/ids.ts';

/** Where a built event lies; what is not said is filled in by the order in which a test names its events. */
export type Place = { readonly offset?: number; readonly time?: number };

/** Broker time of the first record of every test log: 2026-01-01T00:00:00Z. */
export const START_TIME = 1_767_225_600_000;
/** Broker time between two records of a test log, in milliseconds. */
export const STEP_MILLIS = 1_000;
export const CONVERSATIONS = 'conversations.v1';
export const PARTITION = 7;
export const TENANT = 'tenant_a';
export const CONVERSATION = 'conv_1';
export const REPLY_PARTITION = 3;

/** How a model shall sample, where a test does not care. */
export function someParameters(special: Partial<Parameters> = {}): Parameters {
  return {
    ...{
      maxTokens: 100,
      temperature: 0,
      topP: 1,
      seed: null,
      stop: [],
      cacheSeconds: 0,
      locale: null,
      format: null,
      tools: null,
    },
    ...special,
  };
}

/** A message of the conversation, in one line: its id, what it says, and what is special about it. */
export function aMessage(
  messageId: string,
  text = `question of ${messageId}`,
  special: Partial<MessageSubmitted> = {},
  place: Place = {},
): LoggedEvent<EventOf<'MessageSubmitted'>> {
  const data: MessageSubmitted = {
    ...anEnvelope(messageId, messageId),
    conversationId: CONVERSATION,
    inferenceId: inferenceOf(messageId),
    principal: 'alice',
    keyId: null,
    subjectId: null,
    transport: 'websocket',
    kind: 'message',
    parentId: null,
    targetId: null,
    isNew: false,
    interrupt: false,
    role: 'user',
    parts: [aText(text)],
    preceding: [],
    instructions: null,
    metadata: {},
    redactBeforeModel: [],
    parameters: someParameters(),
    route: { pool: 'pool', tier: 'interactive', model: 'model', canaryBucket: 5, fallbacks: [] },
    replyPartition: REPLY_PARTITION,
    deltasFrom: 40,
    configVersion: 'config_1',
    bodyFingerprint: sha256(text),
    template: null,
    ...special,
  };
  return logged({ type: 'MessageSubmitted', data }, place);
}

/** The message that begins the conversation. */
export function aFirstMessage(
  messageId: string,
  text?: string,
  special: Partial<MessageSubmitted> = {},
  place: Place = {},
): LoggedEvent<EventOf<'MessageSubmitted'>> {
  return aMessage(messageId, text, { isNew: true, ...special }, place);
}

export function aCompletion(
  messageId: string,
  text = `answer to ${messageId}`,
  special: Partial<EventOf<'InferenceCompleted'>['data']> = {},
  place: Place = {},
): LoggedEvent<EventOf<'InferenceCompleted'>> {
  const data = { ...anEnd(messageId, text), finishReason: 'stop' as const, toolCalls: [], ...special };
  return logged({ type: 'InferenceCompleted', data }, place);
}

/** A failure without a word of an answer, unless `text` says otherwise. */
export function aFailure(
  messageId: string,
  special: Partial<InferenceFailed> = {},
  text = '',
  place: Place = {},
): LoggedEvent<EventOf<'InferenceFailed'>> {
  const data = {
    ...anEnd(messageId, text),
    code: 'engine_failed',
    reason: 'the model could not answer',
    retryable: true,
    ...special,
  };
  return logged({ type: 'InferenceFailed', data }, place);
}

export function aCancellation(
  messageId: string,
  text = '',
  special: Partial<EventOf<'InferenceCancelled'>['data']> = {},
  place: Place = {},
): LoggedEvent<EventOf<'InferenceCancelled'>> {
  const cancel = { cancelId: `cancel_${messageId}`, cancelReason: 'stop' as const };
  return logged(
    { type: 'InferenceCancelled', data: { ...anEnd(messageId, text), ...cancel, ...special } },
    place,
  );
}

export function aCancelRequest(
  messageId: string,
  special: Partial<EventOf<'CancelRequested'>['data']> = {},
  place: Place = {},
): LoggedEvent<EventOf<'CancelRequested'>> {
  const data = {
    ...anEnvelope(`cancel_${messageId}`, messageId),
    conversationId: CONVERSATION,
    inferenceId: inferenceOf(messageId),
    principal: 'alice',
    keyId: null,
    reason: 'stop' as const,
    ...special,
  };
  return logged({ type: 'CancelRequested', data }, place);
}

/** An attempt announced on the conversation's log, as a taker does. */
export function anAttempt(
  messageId: string,
  attempt: number,
  claim = `claim_${messageId}_${attempt}`,
  place: Place = {},
): LoggedEvent<EventOf<'AttemptStarted'>> {
  const data = {
    ...anEnvelope(`attempt_${claim}`, messageId),
    conversationId: CONVERSATION,
    inferenceId: inferenceOf(messageId),
    attempt,
    claim,
    reason: attempt === 1 ? ('first' as const) : ('redelivered' as const),
    workerId: 'worker_1',
    engine: 'scripted',
    model: 'model',
  };
  return logged({ type: 'AttemptStarted', data }, place);
}

export function aConversationChange(
  special: Partial<EventOf<'ConversationChanged'>['data']>,
  place: Place = {},
): LoggedEvent<EventOf<'ConversationChanged'>> {
  const data = {
    ...anEnvelope('change', 'change'),
    conversationId: CONVERSATION,
    principal: 'alice',
    keyId: null,
    title: null,
    systemPrompt: null,
    archived: null,
    clearContext: false,
    pins: [],
    ...special,
  };
  return logged({ type: 'ConversationChanged', data }, place);
}

export function anErasure(
  special: Partial<EventOf<'ConversationErased'>['data']> = {},
  place: Place = {},
): LoggedEvent<EventOf<'ConversationErased'>> {
  const data = {
    ...anEnvelope('erasure', 'erasure'),
    conversationId: CONVERSATION,
    principal: 'alice',
    keyId: null,
    reason: 'asked for',
    keyIds: [],
    ...special,
  };
  return logged({ type: 'ConversationErased', data }, place);
}

/** A text part of a message. */
export function aText(text: string): MessagePart {
  const content = { text, sealed: null, keyId: null };
  return { type: 'text', text: content, toolCall: null, toolResult: null, media: null };
}

/** A message among those that come with another. */
export function theMessage(role: Role, text: string): PromptMessage {
  return { role, parts: [aText(text)] };
}

/** The inference that answers the message, by a name that a person can read. */
export function inferenceOf(messageId: string): string {
  return `inf_${messageId}`;
}

/** The events where they lie: offsets rise by one, times by a second, but for what an event says itself. */
export function inOrder<E extends LoggedEvent>(events: readonly E[], first = 0): readonly E[] {
  return events.map((event, index) => ({
    ...event,
    offset: event.offset < 0 ? first + index : event.offset,
    time: event.time < 0 ? START_TIME + (first + index) * STEP_MILLIS : event.time,
  }));
}

/** Puts an event on the conversation's log. */
export function logged<E extends AnyEvent>(event: E, place: Place = {}): LoggedEvent<E> {
  const { offset = -1, time = -1 } = place;
  return { ...event, topic: CONVERSATIONS, partition: PARTITION, offset, time, trace: null };
}

function anEnvelope(eventId: string, correlationId: string): Envelope {
  return {
    eventId,
    occurredAt: START_TIME,
    causationId: `request_of_${eventId}`,
    correlationId,
    producer: { service: 'test', version: '1.0.0' },
    tenantId: TENANT,
  };
}

function anEnd(messageId: string, text: string): Omit<InferenceFailed, 'code' | 'reason' | 'retryable'> {
  const textBytes = Buffer.byteLength(text);
  return {
    ...anEnvelope(`end_${messageId}`, messageId),
    // By the worker's clock, which is an hour ahead: it ran for two seconds.
    occurredAt: START_TIME + 3_602_000,
    startedAt: START_TIME + 3_600_000,
    conversationId: CONVERSATION,
    inferenceId: inferenceOf(messageId),
    messageId,
    requestId: `request_${messageId}`,
    attempt: 1,
    claim: `claim_${messageId}_1`,
    model: 'model',
    modelHash: 'hash of the model',
    engine: 'scripted',
    promptHash: 'hash of the prompt',
    context: null,
    templateHash: 'hash of the template',
    codeVersion: '1.0.0',
    content: { text, sealed: null, keyId: null },
    textBytes,
    textHash: sha256(text),
    firstSeq: 0,
    nextSeq: text === '' ? 0 : 1,
    deltaBytes: text === '' ? [] : [textBytes],
    deltaMillis: text === '' ? [] : [250],
    promptTokens: 30,
    completionTokens: text === '' ? 0 : 10,
    cachedTokens: 4,
  };
}
