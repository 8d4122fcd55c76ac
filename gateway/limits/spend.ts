import type { Owner, Scope } from '../../policies/limits/limits.ts';
import type { Spent } from '../../policies/limits/ledger.ts';
import type { UsageQueries } from '../../projections/usage/queries.ts';
import { addClaim, claimOf, type Claim } from '../../streams/claims.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import type { EventOf } from '../../schemas/generated/types.ts';

/** What was spent: as the read model has it, and what was told since. */
export interface Spend {
  /** Counts what a worker told; returns the claims that count of the inference. */
  add(event: LoggedEvent<EventOf<'UsageRecorded'>>): readonly Claim[];
  /** Today and this month, by the broker's clock, in UTC. Throws StenoError `store_unavailable` (retryable). */
  of(scope: Scope): Spent;
  /** Forgets what the read model has. */
  sweep(): void;
}

type Place = { readonly partition: number; readonly offset: number };
type Told = {
  readonly owner: Owner;
  readonly claims: readonly Claim[];
  readonly places: ReadonlyMap<string, Place>;
};

/** What the read model says of a scope. `closed`: hours nobody adds to any more. */
type Sums = {
  readonly liveAt: number;
  readonly closedAt: number;
  readonly from: Periods;
  readonly closed: Spent;
  readonly live: Spent;
  /** How far turns were folded when each was read. */
  readonly counted: { readonly closed: Positions; readonly live: Positions };
};
type Positions = ReadonlyMap<number, number>;
type Periods = { readonly day: number; readonly month: number; readonly live: number };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LIVE_MS = 1_000;
const CLOSED_MS = 10 * 60_000;
/** Scopes whose sums are kept. */
const KEPT = 10_000;

export function createSpend(options: {
  readonly queries: UsageQueries;
  /** What limits are in. */
  readonly currency: string;
  /** The broker's clock. */
  readonly brokerTime: () => number;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
}): Spend {
  const { queries, currency, brokerTime, now } = options;
  const told = new Map<string, Told>();
  const kept = new Map<string, Sums>();

  function sumsOf(scope: Scope): Sums {
    const time = now();
    const from = periodsAt(brokerTime());
    const before = kept.get(scope.id);
    const isSame = before?.from.live === from.live && before.from.day === from.day;
    if (isSame && time - before.liveAt < LIVE_MS) return before;
    const whose = { kind: scope.kind, tenantId: scope.tenantId, name: nameOf(scope) };
    const ever = Number.MAX_SAFE_INTEGER;
    const { nanos, counted } = queries.spent(whose, currency, [
      { from: Math.max(from.day, from.live), to: ever },
      { from: Math.max(from.month, from.live), to: ever },
    ]);
    const live = { day: nanos[0] ?? 0, month: nanos[1] ?? 0 };
    const isFresh = isSame && time - before.closedAt < CLOSED_MS;
    const { closedAt, closed, closedCounted } = isFresh
      ? { ...before, closedCounted: before.counted.closed }
      : { closedAt: time, ...closedOf(whose, from) };
    const sums = {
      ...{ liveAt: time, closedAt, from, closed, live },
      counted: { closed: closedCounted, live: counted },
    };
    kept.delete(scope.id);
    kept.set(scope.id, sums);
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT) break;
      kept.delete(oldest);
    }
    return sums;
  }

  function closedOf(
    whose: Parameters<UsageQueries['spent']>[0],
    { day, month, live }: Periods,
  ): { readonly closed: Spent; readonly closedCounted: Positions } {
    const { nanos, counted } = queries.spent(whose, currency, [
      { from: day, to: Math.max(day, live) },
      { from: month, to: Math.max(month, live) },
    ]);
    return { closed: { day: nanos[0] ?? 0, month: nanos[1] ?? 0 }, closedCounted: counted };
  }

  return {
    add(event) {
      const { inferenceId, tenantId, principal, keyId, claim } = event.data;
      const before = told.get(inferenceId);
      const claims = addClaim(before?.claims ?? [], claimOf(event));
      if (claims === before?.claims) return claims;
      const { partition, offset } = event;
      const places = new Map([...(before?.places ?? []), [claim, { partition, offset }] as const]);
      told.set(inferenceId, { owner: { tenantId, principal, keyId }, claims, places });
      return claims;
    },
    of(scope) {
      const { closed, live, from, counted } = sumsOf(scope);
      let day = closed.day + live.day;
      let month = closed.month + live.month;
      for (const { owner, claims, places } of told.values()) {
        if (!isUnder(scope, owner)) continue;
        for (const { claim, currency: paid, costNanos, time } of claims) {
          const place = places.get(claim);
          if (place === undefined || paid !== currency) continue;
          if (isIn(time >= from.live ? counted.live : counted.closed, place)) continue;
          if (time >= from.day) day += costNanos;
          if (time >= from.month) month += costNanos;
        }
      }
      return { day, month };
    },
    sweep() {
      const { counted: present } = queries.spent({ kind: 'tenant', tenantId: '', name: '' }, currency, []);
      const live = new Map(present);
      const closed = new Map(present);
      // Sums that may be used again still count on what is told here.
      for (const { liveAt, closedAt, counted } of kept.values()) {
        if (now() - liveAt < LIVE_MS) lower(live, counted.live);
        if (now() - closedAt < CLOSED_MS) lower(closed, counted.closed);
      }
      const from = periodsAt(brokerTime()).live;
      for (const [id, { claims, places }] of told) {
        const isNeeded = claims.some(({ claim, time }) => {
          const place = places.get(claim);
          return place !== undefined && !isIn(time >= from ? live : closed, place);
        });
        if (!isNeeded) told.delete(id);
      }
    },
  };
}

/** Begins of the UTC day and month, and of the hours that are still added to. */
function periodsAt(time: number): Periods {
  const date = new Date(time);
  return {
    day: Math.floor(time / DAY_MS) * DAY_MS,
    month: Date.UTC(date.getUTCFullYear(), date.getUTCMonth()),
    live: Math.floor(time / HOUR_MS) * HOUR_MS - HOUR_MS,
  };
}

function isUnder({ kind, tenantId, principal, keyId }: Scope, owner: Owner): boolean {
  if (owner.tenantId !== tenantId) return false;
  if (kind === 'tenant') return true;
  return kind === 'user' ? owner.principal === principal : owner.keyId === keyId;
}

function nameOf({ kind, tenantId, principal, keyId }: Scope): string {
  if (kind === 'tenant') return tenantId;
  return kind === 'user' ? principal : (keyId ?? '');
}

/** True if the sums that were folded up to these positions have it. */
function isIn(positions: Positions, { partition, offset }: Place): boolean {
  return offset < (positions.get(partition) ?? 0);
}

function lower(positions: Map<number, number>, others: Positions): void {
  for (const [partition, next] of positions)
    positions.set(partition, Math.min(next, others.get(partition) ?? 0));
}
