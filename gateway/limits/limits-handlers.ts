import type { Handlers } from '../http/exchange.ts';
import type { Described, Limiter } from './limiter.ts';

/** GET /v1/limits: a caller sees what it is measured by. */
export function limitsHandlers(deps: {
  readonly limiter: Limiter;
  readonly currency: string;
}): Pick<Handlers, 'readLimits'> {
  return {
    async readLimits(_input, { call }) {
      const scopes = await deps.limiter.describe(call);
      return { status: 200, body: { currency: deps.currency, scopes: scopes.map(scopeJson) } };
    },
  };
}

function scopeJson({ scope: { kind, limits }, inUse, spent }: Described): object {
  return {
    scope: kind,
    requests_per_minute: pair(limits.requestsPerMinute, inUse.requests),
    tokens_per_minute: pair(limits.tokensPerMinute, inUse.tokens),
    concurrent_streams: pair(limits.concurrentStreams, inUse.streams),
    spend_per_day: money(limits.spendPerDayNanos, spent.day),
    spend_per_month: money(limits.spendPerMonthNanos, spent.month),
    reserved: inUse.reservedNanos / 1e9,
  };
}

function pair(limit: number | null, used: number): { readonly limit: number; readonly used: number } | null {
  return limit === null ? null : { limit, used };
}

function money(limit: number | null, nanos: number): ReturnType<typeof pair> {
  return pair(limit === null ? null : limit / 1e9, nanos / 1e9);
}
