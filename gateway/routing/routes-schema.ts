import { z } from 'zod';
import { problemsOfRoutes, type Routes } from '../../policies/routing/routes.ts';
import { refuse } from '../problems.ts';

const model = z.string().min(1).max(200).describe('Id of a model of the catalogue.');

const canary = z.strictObject({
  model: model.describe(
    'The model that is tried; of another pool than the route’s own, which answers where it cannot.',
  ),
  percent: z.number().min(0).max(100).describe('Of a hundred conversations.'),
  maxErrorRate: z.number().min(0).max(1).default(0.1).describe('More failed turns than this take it back.'),
  maxFirstTokenMs: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('It is taken back where more than half of its turns have no token within this time.'),
  minTurns: z.int().min(1).max(10_000).default(20).describe('Turns before its share of failures counts.'),
});

const route = z.strictObject({
  model: model.describe('Id of the model that answers.'),
  instructions: z
    .string()
    .min(1)
    .max(100_000)
    .nullable()
    .default(null)
    .describe(
      'A system message before every message of its callers, unless they send their own `instructions`.',
    ),
  canary: canary.nullable().default(null),
});

/** The document of the configuration `routes`. */
export const routesDocument = z
  .strictObject({
    routes: z.record(
      z.string().regex(/^[\w.:/-]{1,128}$/, 'up to 128 letters, digits or any of "_.:/-"'),
      route,
    ),
  })
  .describe('Names that messages may use as their model, and where they go.');

/** Reads a document that was checked when it was written. Fields of a later version are left aside. */
export function readRoutes(document: string): Routes {
  return z.object({ routes: z.record(z.string(), z.object(route.shape)) }).parse(JSON.parse(document)).routes;
}

/** Throws `invalid_request` that names everything that does not hold together. */
export function checkRoutes(routes: Routes, models: Parameters<typeof problemsOfRoutes>[1]): void {
  const problems = problemsOfRoutes(routes, models);
  if (problems.length === 0) return;
  throw refuse('invalid_request', problems.join('; '), {
    param: problems[0]?.split(':')[0] ?? 'routes',
    fix: 'name models of the catalogue (STENO_MODELS_FILE)',
  });
}
