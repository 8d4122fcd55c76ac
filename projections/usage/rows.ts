import { table, type Table } from '../columns.ts';
import type { Claim } from '../../streams/claims.ts';

/** What one caller used of one model in one hour of broker time, in one partition and one currency. */
export type UsageRow = {
  /** The other key fields as JSON. */
  readonly id: string;
  readonly partition: number;
  readonly tenant: string;
  readonly principal: string;
  /** Id of the API key; empty for callers without one. */
  readonly keyId: string;
  /** Turns lie under the model asked for, claims under the one that ran. */
  readonly model: string;
  /** Begin of the hour, milliseconds since 1970. */
  readonly hour: number;
  /** ISO 4217; empty for turns, and for claims of models without a price. */
  readonly currency: string;
  /** Turns by how they ended. */
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly rejected: number;
  /** Claims, and what they used. */
  readonly claims: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  /** How many of the prompt and completion tokens were estimated. */
  readonly estimatedTokens: number;
  /** In 10^-9 of the currency. */
  readonly costNanos: number;
};

/** What of an inference is in the sums already: the proof that nothing is counted twice. */
export type CountedRow = {
  readonly id: string;
  readonly partition: number;
  readonly tenant: string;
  readonly principal: string;
  readonly keyId: string;
  readonly isMeasured: boolean;
  readonly claims: readonly Claim[];
};

export const usageTable: Table<UsageRow> = table('usage', {
  id: 'text',
  partition: 'integer',
  tenant: 'text',
  principal: 'text',
  keyId: 'text',
  model: 'text',
  hour: 'integer',
  currency: 'text',
  completed: 'integer',
  failed: 'integer',
  cancelled: 'integer',
  rejected: 'integer',
  claims: 'integer',
  promptTokens: 'integer',
  completionTokens: 'integer',
  cachedTokens: 'integer',
  estimatedTokens: 'integer',
  costNanos: 'integer',
});

export const countedTable: Table<CountedRow> = table('counted', {
  id: 'text',
  partition: 'integer',
  tenant: 'text',
  principal: 'text',
  keyId: 'text',
  isMeasured: 'boolean',
  claims: 'json',
});
