import { createLedger, type InUse, type Refusal, type Spent } from '../../policies/limits/ledger.ts';
import { scopesOf, type Owner, type Scope, type ScopeKind } from '../../policies/limits/limits.ts';
import type { Limits } from '../../schemas/generated/types.ts';
import type { UsageQueries } from '../../projections/usage/queries.ts';
import type { Producer } from '../../schemas/generated/types.ts';
import { envelope, type LoggedEvent, type NewEvent } from '../../streams/event.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { followTopics, type TopicFollower } from '../../streams/runner/follow-topics.ts';
import type { Call } from '../call.ts';
import { refuse } from '../problems.ts';
import { limitHeaders } from './limit-headers.ts';
import { createSpend } from './spend.ts';

/** What a message may use at most. */
export type Wanted = {
  readonly inferenceId: string;
  readonly messageId: string;
  readonly tokens: number;
  readonly nanos: number;
  readonly currency: string;
};

/** A message that was let in. */
export type Admission = {
  /** To be appended with the message: so other gateways count it, and this one after a restart. */
  readonly event: NewEvent;
  /** The message made no turn. */
  readonly withdraw: () => void;
};

/** Lets messages in as far as the limits of their callers go. */
export interface Limiter {
  /**
   * Reserves what a message may use; null where its caller has no limits, and where it is a repeat. The caller is told what is left. Throws
   * `rate_limit_exceeded` and `insufficient_quota`, and `store_unavailable` where nobody can tell what was spent.
   */
  admit(call: Call, wanted: Wanted, isRepeat: () => boolean): Promise<Admission | null>;
  /** What limits a caller, and what is in use of it. */
  describe(call: Call): Promise<readonly Described[]>;
  /** Reservations and what of them still may change: for the metric. */
  open(): number;
  stop(): Promise<void>;
}

/** One of a caller's scopes. `spent` is what workers counted, in 10^-9 of the currency. */
export type Described = { readonly scope: Scope; readonly inUse: InUse; readonly spent: Spent };

export type LimitsOf = (owner: Owner) => Readonly<Record<ScopeKind, Limits | null>>;

const SWEEP_MS = 5_000;
/** Records of a partition that are read again at the start: more than are under way at once. */
const ADMISSIONS_BACK = 10_000;
const TURNS_BACK = 20_000;

/** Nothing is read before the first caller with limits comes. */
export function createLimiter(options: {
  readonly events: EventLog;
  readonly topics: { readonly admissions: string; readonly turns: string };
  readonly queries: UsageQueries;
  readonly currency: string;
  readonly producer: Producer;
  readonly limitsOf: LimitsOf;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Limiter {
  const { events, topics, queries, producer, limitsOf } = options;
  const now = (): number => performance.now();
  const clock = createBrokerClock(now);
  const ledger = createLedger();
  const spend = createSpend({ queries, currency: options.currency, brokerTime: () => clock.time(), now });
  let following: Promise<TopicFollower> | null = null;
  let isLive = false;
  const timer = setInterval(() => {
    if (following === null) return;
    ledger.sweep(now());
    try {
      spend.sweep();
    } catch {
      // The read model is out of reach: nothing is forgotten until it is back.
    }
  }, SWEEP_MS);
  timer.unref();

  function follow(): Promise<TopicFollower> {
    const counted = queries.spent({ kind: 'tenant', tenantId: '', name: '' }, '', []).counted;
    return followTopics(events, [topics.admissions, topics.turns], {
      name: 'limits',
      from: (topic, partition, first, next) =>
        topic === topics.admissions
          ? next - ADMISSIONS_BACK
          : Math.min(counted.get(partition) ?? first, next - TURNS_BACK),
      onEvent: (event) => take(event),
      onPoison: options.onPoison,
      onFailure: options.onFailure,
    });
  }

  async function whenFollowing(): Promise<void> {
    following ??= follow();
    try {
      await following;
      isLive = true;
    } catch (error) {
      following = null;
      throw error;
    }
  }

  function take(event: LoggedEvent): void {
    clock.note(event.time);
    // What lay there before this gateway came has drained since. A wrong clock here is wrong about a minute, once.
    const at = isLive ? now() : now() - Math.max(0, Date.now() - event.time);
    if (event.type !== 'TurnAdmitted' && event.type !== 'UsageRecorded' && event.type !== 'TurnMeasured')
      return;
    const { inferenceId } = event.data;
    const owner = ownerOf(event.data);
    const scopes = scopesFor(owner);
    // Of most callers nothing is counted here.
    if (scopes.length === 0) return;
    if (event.type === 'TurnAdmitted') {
      const { reservedTokens: tokens, reservedNanos: nanos } = event.data;
      ledger.count(scopes, { ...owner, inferenceId, tokens, nanos }, at);
    } else if (event.type === 'UsageRecorded') {
      const claims = spend.add(event);
      const tokens = claims.reduce((sum, claim) => sum + claim.promptTokens + claim.completionTokens, 0);
      const nanos = claims.reduce((sum, claim) => sum + claim.costNanos, 0);
      ledger.settle(inferenceId, { tokens, nanos }, at);
    } else {
      // Where no attempt was made, nothing is to be counted.
      ledger.end(inferenceId, event.data.attempts === 0, at);
    }
  }

  function scopesFor(owner: Owner): readonly Scope[] {
    return scopesOf(owner, limitsOf(owner));
  }

  return {
    async admit(call, wanted, isRepeat) {
      const owner = ownerOf(call.caller);
      const scopes = scopesFor(owner);
      if (scopes.length === 0) return null;
      await whenFollowing();
      if (ledger.has(wanted.inferenceId) || isRepeat()) return null;
      const refusal = ledger.admit(scopes, { ...owner, ...wanted }, (scope) => spend.of(scope), now());
      call.tell?.(limitHeaders(ledger.headroom(scopes, now())));
      if (refusal !== null) throw problemOf(refusal);
      return admissionOf(owner, wanted);
    },
    async describe({ caller }) {
      const scopes = scopesFor(ownerOf(caller));
      if (scopes.length > 0) await whenFollowing();
      return scopes.map((scope) => ({
        scope,
        inUse: ledger.useOf(scope, now()),
        spent: spend.of(scope),
      }));
    },
    open: () => ledger.size,
    async stop() {
      clearInterval(timer);
      await (await following?.catch(() => null))?.stop();
    },
  };

  function admissionOf(owner: Owner, wanted: Wanted): Admission {
    const { inferenceId, messageId, tokens, nanos, currency } = wanted;
    const cause = { eventId: messageId, correlationId: messageId, tenantId: owner.tenantId };
    return {
      event: {
        type: 'TurnAdmitted',
        data: {
          ...envelope(cause, 'admitted', producer, Date.now()),
          principal: owner.principal,
          keyId: owner.keyId,
          inferenceId,
          reservedTokens: tokens,
          reservedNanos: nanos,
          currency,
        },
        topic: topics.admissions,
        key: owner.tenantId,
        partition: null,
      },
      withdraw: () => ledger.withdraw(inferenceId, now()),
    };
  }
}

function ownerOf({ tenantId, principal, keyId }: Owner): Owner {
  return { tenantId, principal, keyId };
}

/** The broker's time, from the records that were read: clocks of gateways may be wrong. */
function createBrokerClock(now: () => number): { note(time: number): void; time(): number } {
  let ahead = Number.NEGATIVE_INFINITY;
  return {
    note(time) {
      ahead = Math.max(ahead, time - now());
    },
    time: () => (ahead === Number.NEGATIVE_INFINITY ? Date.now() : now() + ahead),
  };
}

const NAMES: Readonly<Record<keyof Limits, string>> = {
  requestsPerMinute: 'requests per minute',
  tokensPerMinute: 'tokens per minute',
  concurrentStreams: 'answers at once',
  spendPerDayNanos: 'spend per day',
  spendPerMonthNanos: 'spend per month',
};

function problemOf({ scope, limit, waitMillis }: Refusal): Error {
  const message = `the limit of ${NAMES[limit]} of this ${scope.kind} is reached`;
  if (waitMillis === null) {
    return refuse('insufficient_quota', message, {
      fix: 'ask whoever runs this gateway for more, or wait for the next day or month (UTC)',
    });
  }
  return refuse('rate_limit_exceeded', message, {
    fix: 'try again when retry-after has passed',
    retryAfterMillis: waitMillis,
  });
}
