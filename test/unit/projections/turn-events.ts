import type { EventMap } from '../../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../../streams/event.ts';

const HOUR = 3_600_000;

const base = {
  eventId: 'event-1',
  occurredAt: 1,
  causationId: 'cause-1',
  correlationId: 'message-1',
  producer: { service: 'test', version: '1' },
  tenantId: 'tenant-1',
  conversationId: 'conversation-1',
  inferenceId: 'inference-1',
  principal: 'anna',
  keyId: null,
  model: 'model-1',
  pool: 'small',
  tier: 'interactive' as const,
};

/** What a claim used; told in the hour named. */
export function used(fields: Partial<EventMap['UsageRecorded']> = {}, hour = 0): LoggedEvent {
  const data: EventMap['UsageRecorded'] = {
    ...base,
    attempt: 1,
    claim: 'claim-1',
    outcome: 'completed',
    promptTokens: 10,
    completionTokens: 5,
    cachedTokens: 2,
    costNanos: 300,
    currency: 'EUR',
    estimated: false,
    ...fields,
  };
  return { type: 'UsageRecorded', data, ...placeIn(hour) };
}

/** How a turn ended; told in the hour named. */
export function measured(fields: Partial<EventMap['TurnMeasured']> = {}, hour = 0): LoggedEvent {
  const data: EventMap['TurnMeasured'] = {
    ...base,
    messageId: 'message-1',
    transport: 'websocket',
    outcome: 'completed',
    code: null,
    finishReason: 'stop',
    canaryBucket: -1,
    configVersion: 'config-1',
    promptHash: 'hash',
    attempts: 1,
    promptTokens: 10,
    completionTokens: 5,
    cachedTokens: 2,
    textBytes: 20,
    deltas: 5,
    submittedAt: 1_000,
    endedAt: 2_000,
    queueMillis: 4,
    firstDeltaMillis: 100,
    totalMillis: 1_000,
    recordPartition: 3,
    recordOffset: 42,
    answeredBy: null,
    ...fields,
  };
  return { type: 'TurnMeasured', data, ...placeIn(hour) };
}

function placeIn(hour: number) {
  return { topic: 'steno.turns.v1', partition: 2, offset: 7, time: hour * HOUR + 1_234, trace: null };
}
