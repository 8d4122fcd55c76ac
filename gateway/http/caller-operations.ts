import { z } from 'zod';
import { clientTokenRequest, noQuery } from '../requests.ts';

const inUse = z.strictObject({ limit: z.number(), used: z.number() }).nullable();
const limitsAnswer = z.strictObject({
  currency: z.string().describe('ISO 4217, of what is spent.'),
  scopes: z.array(
    z.strictObject({
      scope: z.enum(['key', 'user', 'tenant']),
      requests_per_minute: inUse,
      tokens_per_minute: inUse,
      concurrent_streams: inUse,
      spend_per_day: inUse,
      spend_per_month: inUse,
      reserved: z.number().describe('Money that answers under way may cost at most.'),
    }),
  ),
});

/** What a caller can ask about itself; part of the list of all operations, whose type checks it. */
export const callerOperations = [
  {
    id: 'readLimits',
    method: 'GET',
    path: '/v1/limits',
    summary: 'Read what limits the caller, and what is in use of it.',
    tag: 'chat',
    secured: true,
    query: noQuery,
    answers: {
      200: {
        description: 'One entry for each of key, user and tenant that has limits; null where there is none.',
        schema: limitsAnswer,
      },
    },
  },
  {
    id: 'createClientToken',
    method: 'POST',
    path: '/v1/client-tokens',
    summary: 'Make a short-lived credential for the browser of one user.',
    tag: 'identity',
    secured: true,
    query: noQuery,
    body: clientTokenRequest,
    answers: {
      201: {
        description: 'The token: a bearer key for ten minutes at most, good for chatting as that user.',
        schema: z.strictObject({
          token: z.string(),
          user: z.string(),
          expires_at: z.int().describe('Seconds since 1970.'),
        }),
      },
    },
  },
] as const;
