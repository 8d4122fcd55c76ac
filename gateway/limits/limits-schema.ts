import { z } from 'zod';
import type { Limits } from '../../schemas/generated/types.ts';

const count = z.int().min(0).max(1e12).nullable().default(null);
/** In the currency of the default model. */
const money = z.number().min(0).max(1e6).nullable().default(null);

/** Limits as people write them; what is left out is not limited. */
export const limitsSchema = z
  .strictObject({
    requests_per_minute: count,
    tokens_per_minute: count,
    concurrent_streams: count,
    spend_per_day: money,
    spend_per_month: money,
  })
  .transform((given): Limits => ({
    requestsPerMinute: given.requests_per_minute,
    tokensPerMinute: given.tokens_per_minute,
    concurrentStreams: given.concurrent_streams,
    spendPerDayNanos: nanosOf(given.spend_per_day),
    spendPerMonthNanos: nanosOf(given.spend_per_month),
  }));

function nanosOf(amount: number | null): number | null {
  return amount === null ? null : Math.round(amount * 1e9);
}
