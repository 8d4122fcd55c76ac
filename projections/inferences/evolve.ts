import type { EventOf } from '../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { addClaim, claimOf } from '../../streams/claims.ts';
import type { InferenceRow } from './rows.ts';

/**
 * Folds one event of turns.v1 into its inference. A turn is measured once and a claim counts once: repeats return the
 * row as it is. An event of another tenant than the first one changes nothing.
 */
export function evolve(row: InferenceRow | null, event: LoggedEvent): InferenceRow | null {
  switch (event.type) {
    case 'TurnMeasured':
      return measured(row, event);
    case 'UsageRecorded':
      return used(row, event);
    default:
      return row;
  }
}

function measured(row: InferenceRow | null, event: LoggedEvent<EventOf<'TurnMeasured'>>): InferenceRow {
  const { data } = event;
  const known = row ?? unknownInference(event);
  if (known.tenant !== data.tenantId || known.outcome !== null) return known;
  return {
    ...known,
    messageId: data.messageId,
    outcome: data.outcome,
    code: data.code,
    finishReason: data.finishReason,
    transport: data.transport,
    model: data.model,
    pool: data.pool,
    tier: data.tier,
    canaryBucket: data.canaryBucket,
    configVersion: data.configVersion,
    promptHash: data.promptHash,
    attempts: Math.max(known.attempts, data.attempts),
    promptTokens: data.promptTokens,
    completionTokens: data.completionTokens,
    cachedTokens: data.cachedTokens,
    textBytes: data.textBytes,
    deltas: data.deltas,
    submittedAt: data.submittedAt,
    endedAt: data.endedAt,
    queueMillis: data.queueMillis,
    firstDeltaMillis: data.firstDeltaMillis,
    totalMillis: data.totalMillis,
    recordPartition: data.recordPartition,
    recordOffset: data.recordOffset,
  };
}

function used(row: InferenceRow | null, event: LoggedEvent<EventOf<'UsageRecorded'>>): InferenceRow {
  const { data } = event;
  const known = row ?? unknownInference(event);
  if (known.tenant !== data.tenantId) return known;
  const claims = addClaim(known.claims, claimOf(event));
  if (claims === known.claims) return known;
  return { ...known, attempts: Math.max(known.attempts, data.attempt), claims };
}

function unknownInference({
  data,
  partition,
}: LoggedEvent<EventOf<'TurnMeasured' | 'UsageRecorded'>>): InferenceRow {
  return {
    id: data.inferenceId,
    tenant: data.tenantId,
    conversationId: data.conversationId,
    messageId: null,
    principal: data.principal,
    partition,
    outcome: null,
    code: null,
    finishReason: null,
    transport: null,
    model: data.model,
    pool: data.pool,
    tier: data.tier,
    canaryBucket: -1,
    configVersion: null,
    promptHash: null,
    attempts: 0,
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    textBytes: 0,
    deltas: 0,
    submittedAt: null,
    endedAt: null,
    queueMillis: null,
    firstDeltaMillis: null,
    totalMillis: null,
    recordPartition: null,
    recordOffset: null,
    claims: [],
  };
}
