import { z } from 'zod';
import { SUBSCRIBABLE } from '../../streams/topics.ts';

const names = (what: string) =>
  z.array(z.string().min(1).max(256)).max(100).nullable().default(null).describe(what);

/** What a key is good for, as people write it. */
export const grantFields = {
  role: z
    .enum(['user', 'auditor', 'admin', 'operator'])
    .default('user')
    .describe(
      'user: chats and sees its own; auditor: reads what all of the tenant said; admin: manages keys and limits of the tenant; operator: of every tenant.',
    ),
  models: names('Ids of the models it may name; null for all.'),
  topics: z
    .array(z.enum(SUBSCRIBABLE))
    .nullable()
    .default(null)
    .describe('Topics whose events of the whole tenant it may subscribe to; null for those of its role.'),
  routes: names('Paths it may call, a star at the end for all that begin so; null for all of its role.'),
};
