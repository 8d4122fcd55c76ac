import { z } from 'zod';
import { PERSONAL_KINDS } from '../../policies/personal-data/recognise.ts';
import type { Guards } from '../../schemas/generated/types.ts';

export const NO_GUARDS: Guards = { redactBeforeRecord: [], redactBeforeModel: [] };

const kinds = z.array(z.enum(PERSONAL_KINDS)).max(PERSONAL_KINDS.length).default([]);

/** What is kept out of a tenant's texts, as people write it. */
export const guardsSchema = z
  .strictObject({
    redact_before_record: kinds.describe('Neither the log nor a model sees it.'),
    redact_before_model: kinds.describe('The log keeps it, no model sees it.'),
  })
  .transform((given): Guards => ({
    redactBeforeRecord: given.redact_before_record,
    redactBeforeModel: given.redact_before_model,
  }));

export function guardsJson(guards: Guards | null): object | null {
  if (guards === null) return null;
  return { redact_before_record: guards.redactBeforeRecord, redact_before_model: guards.redactBeforeModel };
}
