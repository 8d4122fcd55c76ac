import type { EventOf } from '../../schemas/generated/types.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { addClaim, claimOf, type Claim } from '../../streams/claims.ts';
import type { CountedRow, UsageRow } from './rows.ts';

/** Something to add to the sums of one row. */
export type Amount = Omit<UsageRow, 'id'>;

const HOUR_MILLIS = 3_600_000;

/**
 * Folds one event of turns.v1: what is counted of its inference from now on, and what that adds to the sums. A repeat
 * adds nothing and returns the row as it is; an estimate that its owner's count replaces is taken out again.
 */
export function evolve(
  counted: CountedRow | null,
  event: LoggedEvent,
): { readonly counted: CountedRow | null; readonly amounts: readonly Amount[] } {
  if (event.type !== 'TurnMeasured' && event.type !== 'UsageRecorded') return { counted, amounts: [] };
  const { inferenceId: id, tenantId: tenant, principal } = event.data;
  const owner = { tenant, principal, keyId: event.data.keyId ?? '' };
  const known = counted ?? { id, partition: event.partition, ...owner, isMeasured: false, claims: [] };
  if (known.tenant !== tenant) return { counted, amounts: [] };
  if (event.type === 'TurnMeasured') {
    if (known.isMeasured) return { counted, amounts: [] };
    return { counted: { ...known, isMeasured: true }, amounts: [turnAmount(known, event)] };
  }
  const claims = addClaim(known.claims, claimOf(event));
  if (claims === known.claims) return { counted, amounts: [] };
  const added = claims.filter((claim) => !known.claims.includes(claim));
  const removed = known.claims.filter((claim) => !claims.includes(claim));
  return {
    counted: { ...known, claims },
    amounts: [
      ...added.map((claim) => claimAmount(known, claim, 1)),
      ...removed.map((claim) => claimAmount(known, claim, -1)),
    ],
  };
}

/** Returns the key of the row that an amount belongs to. */
export function usageId(amount: Amount): string {
  const { partition, tenant, principal, keyId, model, hour, currency } = amount;
  return JSON.stringify([tenant, principal, keyId, model, hour, currency, partition]);
}

export function addAmount(row: UsageRow | null, amount: Amount): UsageRow {
  if (row === null) return { id: usageId(amount), ...amount };
  return {
    ...row,
    completed: row.completed + amount.completed,
    failed: row.failed + amount.failed,
    cancelled: row.cancelled + amount.cancelled,
    rejected: row.rejected + amount.rejected,
    claims: row.claims + amount.claims,
    promptTokens: row.promptTokens + amount.promptTokens,
    completionTokens: row.completionTokens + amount.completionTokens,
    cachedTokens: row.cachedTokens + amount.cachedTokens,
    estimatedTokens: row.estimatedTokens + amount.estimatedTokens,
    costNanos: row.costNanos + amount.costNanos,
  };
}

const nothing = {
  completed: 0,
  failed: 0,
  cancelled: 0,
  rejected: 0,
  claims: 0,
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
  estimatedTokens: 0,
  costNanos: 0,
};

function turnAmount(row: CountedRow, { data, time }: LoggedEvent<EventOf<'TurnMeasured'>>): Amount {
  const { model, outcome } = data;
  // An outcome that a newer writer knows is a turn that did not complete.
  const ended = outcome === 'OTHER' ? 'failed' : outcome;
  return { ...nothing, ...ownerOf(row), model, hour: hourOf(time), currency: '', [ended]: 1 };
}

function claimAmount(row: CountedRow, claim: Claim, sign: 1 | -1): Amount {
  const { model, time, currency, promptTokens, completionTokens, cachedTokens, costNanos, estimated } = claim;
  return {
    ...nothing,
    ...ownerOf(row),
    model,
    hour: hourOf(time),
    currency,
    claims: sign,
    promptTokens: sign * promptTokens,
    completionTokens: sign * completionTokens,
    cachedTokens: sign * cachedTokens,
    estimatedTokens: estimated ? sign * (promptTokens + completionTokens) : 0,
    costNanos: sign * costNanos,
  };
}

function ownerOf({
  partition,
  tenant,
  principal,
  keyId,
}: CountedRow): Pick<Amount, 'partition' | 'tenant' | 'principal' | 'keyId'> {
  return { partition, tenant, principal, keyId };
}

function hourOf(time: number): number {
  return Math.floor(time / HOUR_MILLIS) * HOUR_MILLIS;
}
