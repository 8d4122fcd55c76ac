import { mayUseModel, type Grants } from '../../policies/identity/grants.ts';
import { isOnCanary, type RouteRule, type Routes } from '../../policies/routing/routes.ts';
import { DEGRADED_MODEL } from '../../streams/degraded.ts';
import { sha256 } from '../../streams/ids.ts';
import type { Model, ModelDirectory } from '../models.ts';

/** Where a message goes. */
export type Routed = {
  /** The model to ask, and those that may answer where it cannot. */
  readonly chain: readonly [Model, ...Model[]];
  /** What the chain ends with behind its models. */
  readonly lastResort: readonly string[];
  /** The conversation's place among a hundred, where the route tries a canary; else -1. */
  readonly canaryBucket: number;
  /** What the model is told before the message, where the caller says nothing itself; null for nothing. */
  readonly template: { readonly route: string; readonly instructions: string } | null;
};

/** Decides by routes and catalogue where a message goes: once, and then it is recorded. */
export interface Routing extends ModelDirectory {
  /** Null for a name nobody knows, and for a model that the caller may not use. */
  routeOf(name: string | null, grants: Grants, conversationId: string): Routed | null;
  /** Names what decides: the recorded versions of the models and, behind a plus, of the routes if there are any. */
  version(): string;
  /** The names of the routes with the models behind them. */
  routes(): readonly (readonly [string, Model])[];
  /** New routes hold from now on. Those whose models this gateway does not know are left out. */
  change(routes: Routes, version: string): void;
}

/** What messages go by that name no model. */
const DEFAULT_ROUTE = 'default';

export function createRouting(models: ModelDirectory, modelsVersion: string): Routing {
  const byId = (id: string): Model | null => models.list().find((model) => model.id === id) ?? null;
  let rules = new Map<string, RouteRule & { readonly stable: Model }>();
  let version = modelsVersion;

  function resolve(name: string | null): Model | null {
    return rules.get(name ?? DEFAULT_ROUTE)?.stable ?? models.resolve(name);
  }

  return {
    resolve,
    list: () => models.list(),
    version: () => version,
    routes: () => [...rules].map(([name, { stable }]) => [name, stable] as const),
    routeOf(name, grants, conversationId) {
      const rule = rules.get(name ?? DEFAULT_ROUTE);
      const stable = rule?.stable ?? models.resolve(name);
      if (stable === null || !mayUseModel(grants, stable.id)) return null;
      const canary = rule?.canary ?? null;
      const canaryBucket = canary === null ? -1 : bucketOf(conversationId);
      const tried = canary !== null && isOnCanary(canary, canaryBucket) ? byId(canary.model) : null;
      const chain = tried === null ? [stable] : [tried, stable];
      const others = stable.fallbacks.flatMap((id) => byId(id) ?? []);
      const [first = stable, ...rest] = [...new Set([...chain, ...others])].filter(({ id }) =>
        mayUseModel(grants, id),
      );
      return {
        chain: [first, ...rest],
        lastResort: stable.fallbacks.includes(DEGRADED_MODEL) ? [DEGRADED_MODEL] : [],
        canaryBucket,
        template:
          rule === undefined || rule.instructions === null
            ? null
            : { route: name ?? DEFAULT_ROUTE, instructions: rule.instructions },
      };
    },
    change(routes, routesVersion) {
      rules = new Map(
        Object.entries(routes).flatMap(([name, rule]) => {
          const stable = byId(rule.model);
          return stable === null ? [] : [[name, { ...rule, stable }] as const];
        }),
      );
      version = `${modelsVersion}+${routesVersion}`;
    },
  };
}

/** The same conversation has the same place for ever, 0 to 99. */
function bucketOf(conversationId: string): number {
  return Number.parseInt(sha256(`canary\n${conversationId}`).slice(0, 8), 16) % 100;
}
