import { z } from 'zod';
import type { Operation } from '../http/operations.ts';
import { grantFields } from '../identity/grants-schema.ts';
import { guardsSchema } from '../identity/guards-schema.ts';
import { configOperations } from './config-operations.ts';
import { limitsSchema } from '../limits/limits-schema.ts';
import { noQuery } from '../requests.ts';

const name = z.string().regex(/^[\w.:@-]{1,128}$/, 'up to 128 letters, digits or any of "_.:@-"');
const tenant = name.describe('Whose data it reaches; your own if left out.').optional();
const limits = limitsSchema
  .nullable()
  .default(null)
  .describe('What it may use; null for no limits of its own.');
const named = z.strictObject({ id: name });
const madeKey = z.strictObject({
  id: z.string(),
  key: z.string().describe('The key itself, shown this once.'),
});

const json = { description: 'Done.', schema: z.looseObject({}) };

const keyOrder = z
  .strictObject({
    tenant,
    principal: name.describe('Who calls with it, within the tenant.'),
    limits,
    ...grantFields,
  })
  .describe('A key to be made.');

/** What administrators can ask for about keys and tenants. */
export const identityOperations = [
  {
    id: 'createKey',
    method: 'POST',
    path: '/v1/keys',
    summary: 'Make an API key and show it, this once.',
    tag: 'identity',
    secured: true,
    query: noQuery,
    body: keyOrder,
    answers: { 201: { description: 'The key.', schema: madeKey } },
  },
  {
    id: 'listKeys',
    method: 'GET',
    path: '/v1/keys',
    summary: 'List keys with what they are good for; never the keys themselves.',
    tag: 'identity',
    secured: true,
    query: z.strictObject({
      tenant,
      limit: z.coerce.number().int().min(1).max(1_000).default(200),
      after: name.optional().describe('The `next` of the page before.'),
    }),
    answers: {
      200: {
        description: 'A page, by id.',
        schema: z.strictObject({ items: z.array(z.looseObject({})), next: z.string().nullable() }),
      },
    },
  },
  {
    id: 'rotateKey',
    method: 'POST',
    path: '/v1/keys/{id}/rotate',
    summary: 'Make a key in place of another, which goes on for a while.',
    tag: 'identity',
    secured: true,
    params: named,
    query: noQuery,
    body: z
      .strictObject({
        grace_seconds: z
          .int()
          .min(0)
          .max(30 * 86_400)
          .default(0),
      })
      .default({ grace_seconds: 0 }),
    answers: { 201: { description: 'The new key.', schema: madeKey } },
  },
  {
    id: 'revokeKey',
    method: 'DELETE',
    path: '/v1/keys/{id}',
    summary: 'Withdraw a key at once; open connections of it end within seconds.',
    tag: 'identity',
    secured: true,
    params: named,
    query: noQuery,
    answers: { 200: json },
  },
  {
    id: 'listTenants',
    method: 'GET',
    path: '/v1/tenants',
    summary: 'List the tenants that you manage, with their limits.',
    tag: 'identity',
    secured: true,
    query: noQuery,
    answers: { 200: json },
  },
  {
    id: 'setTenant',
    method: 'PUT',
    path: '/v1/tenants/{id}',
    summary: 'Set what a tenant may use, and each of its users, and what is kept out of its texts.',
    tag: 'identity',
    secured: true,
    params: named,
    query: noQuery,
    body: z.strictObject({
      limits,
      user_limits: limits,
      guards: guardsSchema
        .nullable()
        .optional()
        .describe(
          'Personal data that is kept out of texts. As before if left out; null for what the keys file says.',
        ),
    }),
    answers: { 200: json },
  },
  {
    id: 'clearCache',
    method: 'DELETE',
    path: '/v1/tenants/{id}/cache',
    summary: 'Have the models answer anew: what was cached for the tenant is not given again.',
    tag: 'identity',
    secured: true,
    params: named,
    query: z.strictObject({
      model: z.string().min(1).max(200).optional().describe('Only answers of this model; all if left out.'),
    }),
    answers: { 200: json },
  },
  {
    id: 'adminOpenapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    tag: 'operations',
    secured: false,
    answers: { 200: { description: 'OpenAPI 3.1.' } },
  },
] as const satisfies readonly Operation[];

/** All that is served on the port of administrators. */
export const adminOperations = [...identityOperations, ...configOperations] as const;
