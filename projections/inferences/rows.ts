import type { FinishReason, Outcome, Tier } from '../../schemas/generated/types.ts';
import { table, type Table } from '../columns.ts';
import type { Claim } from '../../streams/claims.ts';

/** One inference: how the turn ended, and what its claims used. What is not known yet is null or 0. */
export type InferenceRow = {
  readonly id: string;
  readonly tenant: string;
  readonly conversationId: string;
  readonly messageId: string | null;
  readonly principal: string;
  /** Partition of the log that its events lie in. */
  readonly partition: number;
  /** Null until the turn is measured. */
  readonly outcome: Outcome | null;
  /** Why it failed or was rejected. */
  readonly code: string | null;
  readonly finishReason: FinishReason | null;
  readonly transport: string | null;
  /** Asked for; the claims say which one ran. */
  readonly model: string;
  readonly pool: string;
  readonly tier: Tier;
  readonly canaryBucket: number;
  readonly configVersion: string | null;
  readonly promptHash: string | null;
  /** Highest attempt seen. */
  readonly attempts: number;
  /** Of the effective answer. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly textBytes: number;
  readonly deltas: number;
  /** Broker times. */
  readonly submittedAt: number | null;
  readonly endedAt: number | null;
  readonly queueMillis: number | null;
  readonly firstDeltaMillis: number | null;
  readonly totalMillis: number | null;
  /** Where the terminal event lies on conversations. */
  readonly recordPartition: number | null;
  readonly recordOffset: number | null;
  readonly claims: readonly Claim[];
};

export const inferenceTable: Table<InferenceRow> = table('inference', {
  id: 'text',
  tenant: 'text',
  conversationId: 'text',
  messageId: 'text?',
  principal: 'text',
  partition: 'integer',
  outcome: 'text?',
  code: 'text?',
  finishReason: 'text?',
  transport: 'text?',
  model: 'text',
  pool: 'text',
  tier: 'text',
  canaryBucket: 'integer',
  configVersion: 'text?',
  promptHash: 'text?',
  attempts: 'integer',
  promptTokens: 'integer',
  completionTokens: 'integer',
  cachedTokens: 'integer',
  textBytes: 'integer',
  deltas: 'integer',
  submittedAt: 'integer?',
  endedAt: 'integer?',
  queueMillis: 'integer?',
  firstDeltaMillis: 'integer?',
  totalMillis: 'integer?',
  recordPartition: 'integer?',
  recordOffset: 'integer?',
  claims: 'json',
});
