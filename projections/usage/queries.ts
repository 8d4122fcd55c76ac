import { numberOf, textOf, type Database } from '../../storage/database.ts';
import { POSITION_TABLE } from '../../storage/positions.ts';
import type { UsageRow } from './rows.ts';

/** Which read model it is. A new version is a new file. */
export const USAGE = { name: 'usage', version: 2 } as const;

/** What a tenant used of a model in an hour, all partitions together; one for each currency. */
export type HourlyUsage = Omit<UsageRow, 'id' | 'partition' | 'tenant' | 'principal' | 'keyId'>;

/**
 * What may be asked of the read model of usage. Every question names the tenant.
 * Throws StenoError `store_unavailable` (retryable).
 */
export interface UsageQueries {
  /** Hours from `from` on and before `to`, in order, then by model and currency; milliseconds since 1970. */
  byHour(tenantId: string, period: { readonly from: number; readonly to: number }): readonly HourlyUsage[];
  /**
   * What one tenant, user or key cost in the hours from `from` on and before `to`, in 10^-9 of the currency, of each
   * period; and the next offset of each partition of turns up to which it was counted, as of the same moment.
   */
  spent(
    whose: { readonly kind: 'tenant' | 'user' | 'key'; readonly tenantId: string; readonly name: string },
    currency: string,
    periods: readonly { readonly from: number; readonly to: number }[],
  ): { readonly nanos: readonly number[]; readonly counted: ReadonlyMap<number, number> };
}

const SUMS = [
  'completed',
  'failed',
  'cancelled',
  'rejected',
  'claims',
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'estimated_tokens',
  'cost_nanos',
];

/** Opens the questions over the projection's database, or over one that does not exist yet. */
export function openUsageQueries(database: Database): UsageQueries {
  const hours = database.prepare(
    `SELECT model, hour, currency, ${SUMS.map((name) => `sum(${name}) AS ${name}`).join(', ')} FROM usage
     WHERE tenant = ? AND hour >= ? AND hour < ? GROUP BY hour, model, currency ORDER BY hour, model, currency`,
  );
  const costs = {
    tenant: database.prepare(costOf('tenant = ? AND tenant = ?')),
    user: database.prepare(costOf('tenant = ? AND principal = ?')),
    key: database.prepare(costOf('tenant = ? AND key_id = ?')),
  };
  const positions = database.prepare(`SELECT partition, next FROM ${POSITION_TABLE}`);
  return {
    spent({ kind, tenantId, name }, currency, periods) {
      if (!database.hasTable(POSITION_TABLE)) return { nanos: periods.map(() => 0), counted: new Map() };
      return database.snapshot(() => ({
        nanos: periods.map(({ from, to }) => {
          const row = costs[kind].get(tenantId, name, currency, from, to);
          return row === null ? 0 : numberOf(row, 'nanos');
        }),
        counted: new Map(positions.all().map((row) => [numberOf(row, 'partition'), numberOf(row, 'next')])),
      }));
    },
    byHour(tenantId, { from, to }) {
      if (!database.hasTable(POSITION_TABLE)) return [];
      return hours.all(tenantId, from, to).map((row) => ({
        model: textOf(row, 'model'),
        hour: numberOf(row, 'hour'),
        currency: textOf(row, 'currency'),
        completed: numberOf(row, 'completed'),
        failed: numberOf(row, 'failed'),
        cancelled: numberOf(row, 'cancelled'),
        rejected: numberOf(row, 'rejected'),
        claims: numberOf(row, 'claims'),
        promptTokens: numberOf(row, 'prompt_tokens'),
        completionTokens: numberOf(row, 'completion_tokens'),
        cachedTokens: numberOf(row, 'cached_tokens'),
        estimatedTokens: numberOf(row, 'estimated_tokens'),
        costNanos: numberOf(row, 'cost_nanos'),
      }));
    },
  };
}

function costOf(whose: string): string {
  return `SELECT coalesce(sum(cost_nanos), 0) AS nanos FROM usage
    WHERE ${whose} AND currency = ? AND hour >= ? AND hour < ?`;
}
