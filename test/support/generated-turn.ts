import type { ContextManifest, EventMap } from '../../schemas/generated/types.ts';
import { deriveId, inferenceIdOf } from '../../streams/ids.ts';
import { textPart } from '../../streams/parts.ts';
import { someParameters } from './builders.ts';
import type { Random } from './random.ts';

/** A conversation of a generated log, as far as it got. */
export type GeneratedConversation = {
  readonly id: string;
  readonly tenantId: string;
  readonly principal: string;
  /** Message ids in order; the last one may be open. */
  readonly messages: string[];
  open: boolean;
  /** Highest attempt announced for the open message. */
  attempt: number;
  isErased: boolean;
  /** How many turns it will have. */
  readonly length: number;
};

const WORDS =
  'the log holds every turn and what it said a reader folds it again in order until nothing is left to tell'.split(
    ' ',
  );
const MODEL = 'smollm2-135m-instruct';
const ROUTE = { pool: 'small', tier: 'interactive', model: MODEL, canaryBucket: -1, fallbacks: [] } as const;
const HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** Any clock: folds use the broker's. */
const NOW = 1_767_225_600_000;

export function words(random: Random, low: number, high: number): string {
  return Array.from({ length: random.between(low, high) }, () => random.pick(WORDS)).join(' ');
}

/** The fields that every event of a conversation carries. */
export function envelopeOf(conversation: GeneratedConversation, step: string, about: string) {
  return {
    eventId: deriveId('evt', conversation.id, about, step),
    occurredAt: NOW,
    causationId: about,
    correlationId: about,
    producer: { service: 'generator', version: '1' },
    tenantId: conversation.tenantId,
    conversationId: conversation.id,
  };
}

export function submitted(
  conversation: GeneratedConversation,
  messageId: string,
  text: string,
): EventMap['MessageSubmitted'] {
  return {
    ...envelopeOf(conversation, 'submitted', messageId),
    eventId: messageId,
    inferenceId: inferenceIdOf(messageId),
    principal: conversation.principal,
    keyId: null,
    subjectId: null,
    transport: 'websocket',
    kind: 'message',
    parentId: null,
    targetId: null,
    isNew: conversation.messages.length === 0,
    interrupt: false,
    role: 'user',
    parts: [textPart(text)],
    preceding: [],
    instructions: null,
    metadata: {},
    redactBeforeModel: [],
    parameters: someParameters({ maxTokens: 512, temperature: 0.7 }),
    route: ROUTE,
    replyPartition: 3,
    deltasFrom: 1_000,
    configVersion: 'config-1',
    bodyFingerprint: HASH,
    template: null,
  };
}

/** What every terminal event of an attempt says; the same attempt ends the same way if it is told twice. */
export function ending(
  conversation: GeneratedConversation,
  messageId: string,
  attempt: number,
  text: string,
) {
  const pieces = text.split(' ').length;
  return {
    ...envelopeOf(conversation, `end-${attempt}`, messageId),
    inferenceId: inferenceIdOf(messageId),
    messageId,
    requestId: deriveId('evt', messageId, 'request'),
    attempt,
    claim: deriveId('claim', messageId, attempt),
    model: MODEL,
    modelHash: HASH,
    engine: 'llama-cpp',
    promptHash: HASH,
    context: contextOf(conversation, messageId),
    templateHash: HASH,
    codeVersion: '1.0.0',
    content: { text, sealed: null, keyId: null },
    textBytes: Buffer.byteLength(text),
    textHash: HASH,
    firstSeq: 0,
    nextSeq: pieces,
    deltaBytes: Array.from({ length: pieces }, (_, index) => 4 + (index % 5)),
    deltaMillis: Array.from({ length: pieces }, (_, index) => 120 + 8 * index),
    startedAt: NOW,
    promptTokens: 60,
    completionTokens: pieces,
    cachedTokens: 32,
  };
}

export function usageOf(
  conversation: GeneratedConversation,
  messageId: string,
  attempt: number,
  tokens: number,
): EventMap['UsageRecorded'] {
  return {
    ...envelopeOf(conversation, `usage-${attempt}`, messageId),
    inferenceId: inferenceIdOf(messageId),
    principal: conversation.principal,
    keyId: null,
    attempt,
    claim: deriveId('claim', messageId, attempt),
    model: MODEL,
    pool: ROUTE.pool,
    tier: ROUTE.tier,
    outcome: 'completed',
    promptTokens: 60,
    completionTokens: tokens,
    cachedTokens: 32,
    costNanos: 100 * tokens,
    currency: 'EUR',
    estimated: false,
  };
}

export function measuredOf(
  conversation: GeneratedConversation,
  messageId: string,
  outcome: EventMap['TurnMeasured']['outcome'],
  attempts: number,
  tokens: number,
): EventMap['TurnMeasured'] {
  return {
    ...envelopeOf(conversation, 'measured', messageId),
    inferenceId: inferenceIdOf(messageId),
    messageId,
    principal: conversation.principal,
    keyId: null,
    transport: 'websocket',
    outcome,
    code: outcome === 'failed' ? 'engine_failed' : null,
    finishReason: outcome === 'completed' ? 'stop' : null,
    ...ROUTE,
    configVersion: 'config-1',
    promptHash: HASH,
    attempts,
    promptTokens: 60,
    completionTokens: tokens,
    cachedTokens: 32,
    textBytes: 5 * tokens,
    deltas: tokens,
    submittedAt: NOW,
    endedAt: NOW + 900,
    queueMillis: 4,
    firstDeltaMillis: 120,
    totalMillis: 900,
    recordPartition: 3,
    recordOffset: 1_000,
    answeredBy: null,
  };
}

/** A window over the last turns, as prepare-turn records it. */
function contextOf(conversation: GeneratedConversation, messageId: string): ContextManifest {
  const before = conversation.messages.slice(-5).filter((id) => id !== messageId);
  const entries = [...before, messageId].map((id) => ({
    messageId: id,
    kind: 'message' as const,
    tokens: 20,
    decision: 'included' as const,
  }));
  return {
    entries,
    budgetTokens: 7_000,
    promptTokens: 20 * entries.length,
    tokenCounter: 'estimate',
    hash: HASH,
    parentId: before.at(-1) ?? null,
    precedingHeld: 0,
  };
}
