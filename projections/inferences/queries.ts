import { numberOf, type Database } from '../../storage/database.ts';
import { POSITION_TABLE } from '../../storage/positions.ts';
import { fromRow } from '../columns.ts';
import { inferenceTable, type InferenceRow } from './rows.ts';

/** Which read model it is. A new version is a new file. */
export const INFERENCES = { name: 'inferences', version: 1 } as const;

/**
 * What may be asked of the read model of inferences. Every question names the tenant: another tenant's ids are answered
 * as ids that do not exist. Throws StenoError `store_unavailable` (retryable).
 */
export interface InferenceQueries {
  find(tenantId: string, inferenceId: string): InferenceRow | null;
  /** Ended ones, the latest first, that ended before the time given; broker times in milliseconds since 1970. */
  latest(
    tenantId: string,
    options: { readonly limit: number; readonly endedBefore: number },
  ): readonly InferenceRow[];
  /** How many were measured, by outcome, among those that ended from `from` on and before `to`. */
  outcomes(
    tenantId: string,
    period: { readonly from: number; readonly to: number },
  ): Readonly<Record<string, number>>;
}

/** Opens the questions over the projection's database, or over one that does not exist yet. */
export function openInferenceQueries(database: Database): InferenceQueries {
  const one = database.prepare('SELECT * FROM inference WHERE id = ? AND tenant = ?');
  const latest = database.prepare(
    'SELECT * FROM inference WHERE tenant = ? AND ended_at < ? ORDER BY ended_at DESC, id DESC LIMIT ?',
  );
  const outcomes = database.prepare(
    `SELECT outcome, count(*) AS found FROM inference
     WHERE tenant = ? AND ended_at >= ? AND ended_at < ? GROUP BY outcome`,
  );
  let ready = false;

  function isReady(): boolean {
    ready ||= database.hasTable(POSITION_TABLE);
    return ready;
  }

  return {
    find(tenantId, inferenceId) {
      const found = isReady() ? one.get(inferenceId, tenantId) : null;
      return found === null ? null : fromRow(inferenceTable, found);
    },
    latest(tenantId, { limit, endedBefore }) {
      if (!isReady()) return [];
      return latest.all(tenantId, endedBefore, limit).map((found) => fromRow(inferenceTable, found));
    },
    outcomes(tenantId, { from, to }) {
      if (!isReady()) return {};
      const found = outcomes.all(tenantId, from, to);
      return Object.fromEntries(found.map((row) => [String(row['outcome']), numberOf(row, 'found')]));
    },
  };
}
