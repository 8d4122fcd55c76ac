import { z } from 'zod';
import type { Submission } from '../requests.ts';

/** How OpenAI's clients name a priority class. */
export const serviceTier = z
  .string()
  .max(64)
  .nullish()
  .describe('flex is served when nobody else waits, and gives way in the middle; all others at once.');

/** Returns our tier for theirs. */
export function tierOf(named: z.infer<typeof serviceTier>): Submission['tier'] {
  return named === 'flex' ? 'batch' : 'interactive';
}
