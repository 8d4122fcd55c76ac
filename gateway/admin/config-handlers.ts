import type { Call } from '../call.ts';
import type { HandlersOf } from '../http/exchange.ts';
import type { ModelDirectory } from '../models.ts';
import { refuse } from '../problems.ts';
import { entryJson, rollbackOf, type Configuration } from '../routing/configuration.ts';
import { checkRoutes } from '../routing/routes-schema.ts';
import type { configOperations } from './config-operations.ts';

/** What an operator does about the configuration: the same changes as `steno config`. */
export function configHandlers(deps: {
  readonly configuration: Configuration;
  readonly models: ModelDirectory;
  readonly actorOf: (call: Call) => string;
}): HandlersOf<(typeof configOperations)[number]> {
  const { configuration, models, actorOf } = deps;
  const { history } = configuration;
  return {
    async readConfig(_input, { call }) {
      checkOperator(call);
      const of = (kind: 'routes' | 'models'): object | null => {
        const entry = history.current(kind);
        return entry === null
          ? null
          : { ...entryJson(entry), document: JSON.parse(entry.document) as unknown };
      };
      return { status: 200, body: { routes: of('routes'), models: of('models') } };
    },

    async listConfigVersions({ query }, { call }) {
      checkOperator(call);
      const found = history.entries().filter(({ kind }) => query.kind === undefined || kind === query.kind);
      return { status: 200, body: { items: found.slice(-query.limit).reverse().map(entryJson) } };
    },

    async setRoutes({ body }, { call }) {
      checkOperator(call);
      const { routes, replaces, reason = 'set' } = body;
      const holding = history.current('routes')?.version ?? '';
      if (replaces !== undefined && !holding.startsWith(replaces)) {
        throw refuse('config_conflict', `the routes are of version ${holding || 'none'} now`, {
          param: 'replaces',
          fix: 'look at what holds now, and change that',
        });
      }
      checkRoutes(routes, models.list());
      const order = { kind: 'routes' as const, document: { routes }, actor: actorOf(call), reason };
      const entry = await configuration.change(order);
      return { status: 200, body: entryJson(entry) };
    },

    async rollBackRoutes({ body }, { call }) {
      checkOperator(call);
      const { version = null, reason = null } = body;
      const entry = await configuration.change(rollbackOf(history, version, actorOf(call), reason));
      return { status: 200, body: entryJson(entry) };
    },
  };
}

/** Routes are of every tenant. */
function checkOperator({ grants }: Call): void {
  if (grants.role === 'operator') return;
  throw refuse('permission_denied', 'the configuration is of all tenants together', {
    fix: 'use a key of role operator',
  });
}
