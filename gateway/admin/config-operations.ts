import { z } from 'zod';
import type { Operation } from '../http/operations.ts';
import { noQuery } from '../requests.ts';
import { routesDocument } from '../routing/routes-schema.ts';

const reason = z.string().min(1).max(500).optional().describe('Why, for the record.');
const version = z.string().regex(/^[0-9a-f]{4,16}$/, 'a version, or its first digits (4 or more)');
const json = { description: 'Done.', schema: z.looseObject({}) };

const rollbackOrder = z
  .strictObject({ version: version.optional().describe('The one before if left out.'), reason })
  .default({})
  .describe('What to go back to.');

/** What operators can ask for that concerns every tenant. */
export const configOperations = [
  {
    id: 'readConfig',
    method: 'GET',
    path: '/v1/config',
    summary: 'Show the configuration that holds: routes, and the models they may name.',
    tag: 'configuration',
    secured: true,
    query: noQuery,
    answers: { 200: json },
  },
  {
    id: 'listConfigVersions',
    method: 'GET',
    path: '/v1/config/versions',
    summary: 'List every change of the configuration with its differences, the latest first.',
    tag: 'configuration',
    secured: true,
    query: z.strictObject({
      kind: z.enum(['routes', 'models']).optional(),
      limit: z.coerce.number().int().min(1).max(1_000).default(50),
    }),
    answers: { 200: json },
  },
  {
    id: 'setRoutes',
    method: 'PUT',
    path: '/v1/config/routes',
    summary: 'Replace the routes; every gateway follows at once.',
    tag: 'configuration',
    secured: true,
    query: noQuery,
    body: routesDocument.extend({
      reason,
      replaces: version
        .optional()
        .describe('The version that you have seen: another one that holds meanwhile is not replaced.'),
    }),
    answers: { 200: json },
  },
  {
    id: 'rollBackRoutes',
    method: 'POST',
    path: '/v1/config/routes/rollback',
    summary: 'Put routes in force again that held before.',
    tag: 'configuration',
    secured: true,
    query: noQuery,
    body: rollbackOrder,
    answers: { 200: json },
  },
] as const satisfies readonly Operation[];
