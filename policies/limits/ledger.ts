import type { Owner, Scope } from './limits.ts';
import { unused, use, usedAt, waitFor, type Rate } from './rate.ts';

/** What a message may use at most. */
export type Reservation = Owner & {
  readonly inferenceId: string;
  readonly tokens: number;
  /** In 10^-9 of the currency. */
  readonly nanos: number;
};

/** What a scope spent already, in 10^-9 of the currency. */
export type Spent = { readonly day: number; readonly month: number };

/** Why a message is not let in. */
export type Refusal = {
  readonly scope: Scope;
  readonly limit: keyof Scope['limits'];
  /** Milliseconds until it may be let in; null where waiting a minute does not help. */
  readonly waitMillis: number | null;
};

/** What a scope has left of a rate. `resetMillis`: until all of it is there again. */
export type Left = { readonly limit: number; readonly remaining: number; readonly resetMillis: number };
export type Headroom = { readonly requests: Left | null; readonly tokens: Left | null };

export type InUse = {
  /** Of the last minute, as far as it has not drained. */
  readonly requests: number;
  readonly tokens: number;
  readonly streams: number;
  readonly reservedNanos: number;
};

/**
 * What is in use of every limit, as one gateway knows it. It reserves before a call, counts what other gateways let in,
 * and settles with what workers say they did. Times are milliseconds of a clock that never goes back.
 */
export interface Ledger {
  /** Reserves, or says why not. What is reserved for an inference already is not reserved again. */
  admit(
    scopes: readonly Scope[],
    reservation: Reservation,
    spent: (scope: Scope) => Spent,
    now: number,
  ): Refusal | null;
  /** Counts what the log says was let in, here or elsewhere, at whatever cost: it was. */
  count(scopes: readonly Scope[], reservation: Reservation, now: number): void;
  /** The tokens and the money that count of an inference until now, repeats and estimates left out. */
  settle(inferenceId: string, used: Used, now: number): void;
  /** An inference ended. `isCounted` is false where a count of its use is still to come. */
  end(inferenceId: string, isCounted: boolean, now: number): void;
  /** A message that was let in made no turn. */
  withdraw(inferenceId: string, now: number): void;
  /** What the tightest scope has left; null where no scope limits it. */
  headroom(scopes: readonly Scope[], now: number): Headroom;
  /** Forgets what ended, and what never will: its end was missed. */
  sweep(now: number): void;
  /** What is in use of a scope's rates and streams, and what money is reserved. */
  useOf(scope: Scope, now: number): InUse;
  has(inferenceId: string): boolean;
  readonly size: number;
}

type Used = { readonly tokens: number; readonly nanos: number };

type Early = {
  readonly used: Used | null;
  readonly ended: { readonly isCounted: boolean } | null;
  readonly at: number;
};

type Meter = { requests: Rate; tokens: Rate; open: number; reservedNanos: number };

type Entry = {
  readonly scopes: readonly Scope[];
  readonly since: number;
  readonly reserved: Used;
  /** What of tokens and money is charged right now. */
  tokens: number;
  nanos: number;
  used: Used | null;
  endedAt: number | null;
  /** The log has it. */
  isRecorded: boolean;
  /** False while the count of what ended is still to come: until then what was reserved stands for it. */
  isCounted: boolean;
};

/** A reservation whose end nobody told: longer than the longest deadline of a model. */
const LOST_MS = 30 * 60_000;
/** How long an inference that ended is remembered: counts that come late still change it. */
const LATE_MS = 60_000;
/** What is not found on the log for so long was never appended. */
const UNRECORDED_MS = 60_000;
/** How long what came too early is kept: most of it is of callers without limits. */
const EARLY_MS = 5_000;
/** A scope that nobody used for so long is unused. */
const IDLE_MS = 60 * 60_000;
/** How long the count of an inference that ended is waited for. */
const COUNT_MS = 10_000;

export function createLedger(): Ledger {
  const meters = new Map<string, Meter>();
  const entries = new Map<string, Entry>();
  /** What was told of inferences before the word that they were let in: topics are read side by side. */
  const early = new Map<string, Early>();

  function meterOf({ id }: Scope): Meter {
    const found = meters.get(id) ?? { requests: unused, tokens: unused, open: 0, reservedNanos: 0 };
    meters.set(id, found);
    return found;
  }

  function enter(scopes: readonly Scope[], { inferenceId, tokens, nanos }: Reservation, now: number): void {
    const entry: Entry = {
      ...{ scopes, since: now, reserved: { tokens, nanos } },
      ...{ tokens: 0, nanos: 0, used: null, endedAt: null, isRecorded: false, isCounted: false },
    };
    entries.set(inferenceId, entry);
    for (const scope of scopes) {
      const meter = meterOf(scope);
      meter.open += 1;
      const { requestsPerMinute } = scope.limits;
      if (requestsPerMinute !== null) meter.requests = use(meter.requests, 1, requestsPerMinute, now);
    }
    charge(entry, now);
    const told = early.get(inferenceId);
    if (told === undefined) return;
    early.delete(inferenceId);
    if (told.used !== null) settleEntry(entry, told.used, now);
    if (told.ended !== null) endEntry(entry, told.ended.isCounted, now);
  }

  function settleEntry(entry: Entry, used: Used, now: number): void {
    entry.used = used;
    charge(entry, now);
  }

  function tellEarly(inferenceId: string, told: Partial<Early>, now: number): void {
    early.set(inferenceId, { ...(early.get(inferenceId) ?? { used: null, ended: null }), ...told, at: now });
  }

  /** Charges the reservation while more may come, and what was used once it has ended. */
  function charge(entry: Entry, now: number): void {
    const { reserved, used } = entry;
    const isFinal = entry.endedAt !== null && (entry.isCounted || used !== null);
    const counted = used ?? { tokens: 0, nanos: 0 };
    const tokens = isFinal ? counted.tokens : Math.max(reserved.tokens, counted.tokens);
    // What was used of the money is in `spent` from now on.
    const nanos = isFinal ? 0 : Math.max(0, reserved.nanos - counted.nanos);
    for (const scope of entry.scopes) {
      const meter = meterOf(scope);
      const { tokensPerMinute } = scope.limits;
      if (tokensPerMinute !== null)
        meter.tokens = use(meter.tokens, tokens - entry.tokens, tokensPerMinute, now);
      meter.reservedNanos += nanos - entry.nanos;
    }
    entry.tokens = tokens;
    entry.nanos = nanos;
  }

  function endEntry(entry: Entry, isCounted: boolean, now: number): void {
    if (entry.endedAt === null) {
      entry.endedAt = now;
      for (const scope of entry.scopes) meterOf(scope).open -= 1;
    }
    entry.isCounted ||= isCounted;
    charge(entry, now);
  }

  return {
    admit(scopes, reservation, spent, now) {
      if (entries.has(reservation.inferenceId)) return null;
      for (const scope of scopes) {
        const refusal = refusalOf(scope, meterOf(scope), reservation, spent, now);
        if (refusal !== null) return refusal;
      }
      enter(scopes, reservation, now);
      return null;
    },
    count(scopes, reservation, now) {
      if (!entries.has(reservation.inferenceId)) enter(scopes, reservation, now);
      const entry = entries.get(reservation.inferenceId);
      if (entry !== undefined) entry.isRecorded = true;
    },
    settle(inferenceId, used, now) {
      const entry = entries.get(inferenceId);
      if (entry === undefined) tellEarly(inferenceId, { used }, now);
      else settleEntry(entry, used, now);
    },
    end(inferenceId, isCounted, now) {
      const entry = entries.get(inferenceId);
      if (entry === undefined) tellEarly(inferenceId, { ended: { isCounted } }, now);
      else endEntry(entry, isCounted, now);
    },
    withdraw(inferenceId, now) {
      const entry = entries.get(inferenceId);
      if (entry === undefined || entry.endedAt !== null) return;
      endEntry(entry, true, now);
      entries.delete(inferenceId);
      for (const scope of entry.scopes) {
        const meter = meterOf(scope);
        const { requestsPerMinute } = scope.limits;
        if (requestsPerMinute !== null) meter.requests = use(meter.requests, -1, requestsPerMinute, now);
      }
    },
    headroom(scopes, now) {
      return {
        requests: tightest(scopes, now, 'requestsPerMinute', (scope) => meterOf(scope).requests),
        tokens: tightest(scopes, now, 'tokensPerMinute', (scope) => meterOf(scope).tokens),
      };
    },
    sweep(now) {
      for (const [id, entry] of entries) {
        const patience = entry.isRecorded ? LOST_MS : UNRECORDED_MS;
        if (entry.endedAt === null && now - entry.since > patience) endEntry(entry, true, now);
        if (entry.endedAt === null) continue;
        if (!entry.isCounted && now - entry.endedAt > COUNT_MS) endEntry(entry, true, now);
        if (now - entry.endedAt > LATE_MS) entries.delete(id);
      }
      for (const [id, { open, requests, tokens }] of meters)
        if (open === 0 && now - Math.max(requests.at, tokens.at) > IDLE_MS) meters.delete(id);
      for (const [id, { at }] of early) if (now - at > EARLY_MS) early.delete(id);
    },
    useOf(scope, now) {
      const { requests, tokens, open, reservedNanos } = meterOf(scope);
      const { requestsPerMinute, tokensPerMinute } = scope.limits;
      return {
        requests: Math.ceil(usedAt(requests, requestsPerMinute ?? 0, now)),
        tokens: Math.ceil(usedAt(tokens, tokensPerMinute ?? 0, now)),
        streams: open,
        reservedNanos,
      };
    },
    has: (inferenceId) => entries.has(inferenceId),
    get size() {
      return entries.size;
    },
  };
}

function refusalOf(
  scope: Scope,
  meter: Meter,
  { tokens, nanos }: Reservation,
  spent: (scope: Scope) => Spent,
  now: number,
): Refusal | null {
  const { requestsPerMinute, tokensPerMinute, concurrentStreams, spendPerDayNanos, spendPerMonthNanos } =
    scope.limits;
  if (concurrentStreams !== null && meter.open >= concurrentStreams)
    return { scope, limit: 'concurrentStreams', waitMillis: 1_000 };
  if (requestsPerMinute !== null) {
    const waitMillis = waitFor(meter.requests, 1, requestsPerMinute, now);
    if (waitMillis > 0) return { scope, limit: 'requestsPerMinute', waitMillis };
  }
  if (tokensPerMinute !== null) {
    const waitMillis = waitFor(meter.tokens, tokens, tokensPerMinute, now);
    if (waitMillis > 0) return { scope, limit: 'tokensPerMinute', waitMillis };
  }
  if (spendPerDayNanos === null && spendPerMonthNanos === null) return null;
  const { day, month } = spent(scope);
  const more = meter.reservedNanos + nanos;
  if (spendPerDayNanos !== null && day + more > spendPerDayNanos)
    return { scope, limit: 'spendPerDayNanos', waitMillis: null };
  if (spendPerMonthNanos !== null && month + more > spendPerMonthNanos)
    return { scope, limit: 'spendPerMonthNanos', waitMillis: null };
  return null;
}

function tightest(
  scopes: readonly Scope[],
  now: number,
  limitName: 'requestsPerMinute' | 'tokensPerMinute',
  rateOf: (scope: Scope) => Rate,
): Left | null {
  let found: Left | null = null;
  for (const scope of scopes) {
    const limit = scope.limits[limitName];
    if (limit === null) continue;
    const used = usedAt(rateOf(scope), limit, now);
    const remaining = Math.max(0, Math.floor(limit - used));
    if (found === null || remaining < found.remaining)
      found = { limit, remaining, resetMillis: Math.ceil((used * 60_000) / limit) };
  }
  return found;
}
