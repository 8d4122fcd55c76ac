import type { Directory, KeyEntry, TenantEntry } from '../../policies/identity/directory.ts';
import { mayGrant, mayManage, type Grants } from '../../policies/identity/grants.ts';
import type { EventOf, Limits } from '../../schemas/generated/types.ts';
import type { Call } from '../call.ts';
import type { HandlersOf, Reply } from '../http/exchange.ts';
import { openApiOf } from '../http/openapi.ts';
import {
  changeTenant,
  clearing,
  issueKey,
  keyNamed,
  revokeKey,
  rotateKey,
  type MadeKey,
  type OpenIdentities,
} from '../identity/change-identities.ts';
import { guardsJson } from '../identity/guards-schema.ts';
import type { ModelDirectory } from '../models.ts';
import { notFound } from '../locate.ts';
import { refuse } from '../problems.ts';
import { adminOperations, type identityOperations } from './operations.ts';

/** What an administrator does: the same changes as `steno keys` and `steno tenants`, within what its key manages. */
export function adminHandlers(deps: {
  readonly open: OpenIdentities;
  readonly models: ModelDirectory;
  readonly version: string;
  readonly clearCache: (event: EventOf<'CacheCleared'>) => Promise<void>;
}): HandlersOf<(typeof identityOperations)[number]> {
  const { open, models, version } = deps;
  const document = JSON.stringify(openApiOf(adminOperations, version));
  return {
    async createKey({ body }, { call }) {
      const { principal, limits, role } = body;
      const tenantId = managed(call, body.tenant ?? call.caller.tenantId);
      if (!mayGrant(call.grants, role)) {
        throw refuse('permission_denied', `this key may not make a key of role ${role}`, {
          param: 'role',
          fix: 'ask an operator',
        });
      }
      const grants = { role, models: idsOf(models, body.models), routes: body.routes, topics: body.topics };
      return shown(
        await issueKey(open, actorOf(call), { tenantId, principal, limits, grants, replaces: null }),
      );
    },

    async listKeys({ query }, { call }) {
      const { after = '', limit } = query;
      const tenantId = query.tenant === undefined ? null : managed(call, query.tenant);
      const found = [...open.directory.keys.values()]
        .filter((key) => manages(call, key.tenantId) && (tenantId === null || key.tenantId === tenantId))
        .filter(({ keyId }) => keyId > after)
        .sort((one, other) => (one.keyId < other.keyId ? -1 : 1));
      const page = found.slice(0, limit);
      const next = found.length > page.length ? (page.at(-1)?.keyId ?? null) : null;
      return { status: 200, body: { items: page.map(keyJson), next } };
    },

    async rotateKey({ params, body }, { call }) {
      const old = named(open, call, params.id);
      if (!mayGrant(call.grants, old.grants.role))
        throw refuse('permission_denied', 'this key may not rotate it');
      return shown(await rotateKey(open, actorOf(call), old, body.grace_seconds * 1000));
    },

    async revokeKey({ params }, { call }) {
      const found = named(open, call, params.id);
      if (found.revoked?.graceMillis !== 0) await revokeKey(open, actorOf(call), found, 0);
      return { status: 200, body: { id: found.keyId, revoked: true } };
    },

    async listTenants(_input, { call }) {
      const items = tenantsOf(open.directory).filter((id) => manages(call, id));
      return { status: 200, body: { items: items.map((id) => tenantJson(tenantNamed(open.directory, id))) } };
    },

    async setTenant({ params, body }, { call }) {
      const tenantId = managed(call, params.id);
      const { limits, user_limits: userLimits } = body;
      const before = open.directory.tenants.get(tenantId)?.guards ?? null;
      const guards = body.guards === undefined ? before : body.guards;
      const changed = { tenantId, limits, userLimits, guards };
      await changeTenant(open, actorOf(call), changed);
      return { status: 200, body: tenantJson(changed) };
    },

    async clearCache({ params, query }, { call }) {
      const tenantId = managed(call, params.id);
      const model = idsOf(models, query.model === undefined ? null : [query.model])?.[0] ?? null;
      await deps.clearCache(clearing(open, actorOf(call), tenantId, model));
      return { status: 200, body: { id: tenantId, model, cleared: true } };
    },

    adminOpenapi: async () => ({ status: 200, body: document }),
  };
}

function manages(call: Call, tenantId: string): boolean {
  return mayManage(call.grants, call.caller.tenantId, tenantId);
}

/** Another tenant answers like one that does not exist. */
function managed(call: Call, tenantId: string): string {
  if (manages(call, tenantId)) return tenantId;
  throw notFound('tenant');
}

function named(open: OpenIdentities, call: Call, keyId: string): KeyEntry {
  const found = keyNamed(open, keyId);
  if (!manages(call, found.tenantId)) throw notFound('key');
  return found;
}

/** Who does it, for the record. */
export function actorOf({ caller }: Call): string {
  return `key:${caller.keyId ?? ''}`;
}

function idsOf(models: ModelDirectory, names: readonly string[] | null): Grants['models'] {
  return (
    names?.map((name) => {
      const found = models.resolve(name);
      if (found !== null) return found.id;
      throw refuse('model_not_found', `no model is called ${name}`, {
        param: 'models',
        fix: 'name models of the catalogue',
      });
    }) ?? null
  );
}

function shown({ keyId, key }: MadeKey): Reply {
  return { status: 201, headers: { 'cache-control': 'no-store' }, body: { id: keyId, key } };
}

function keyJson({ keyId, tenantId, principal, grants, limits, ...entry }: KeyEntry): object {
  const { issuedAt, actor, replaces, revoked } = entry;
  return {
    ...{ id: keyId, tenant: tenantId, principal, ...grants, limits: limitsJson(limits), actor, replaces },
    issued_at: new Date(issuedAt).toISOString(),
    ends_at: revoked === null ? null : new Date(revoked.at + revoked.graceMillis).toISOString(),
  };
}

function tenantsOf({ tenants, keys }: Directory): readonly string[] {
  return [...new Set([...tenants.keys(), ...[...keys.values()].map(({ tenantId }) => tenantId)])].sort();
}

function tenantNamed({ tenants }: Directory, tenantId: string): TenantEntry {
  return tenants.get(tenantId) ?? { tenantId, limits: null, userLimits: null, guards: null };
}

function tenantJson({ tenantId, limits, userLimits, guards }: TenantEntry): object {
  const allowed = { limits: limitsJson(limits), user_limits: limitsJson(userLimits) };
  return { id: tenantId, ...allowed, guards: guardsJson(guards) };
}

function limitsJson(limits: Limits | null): object | null {
  if (limits === null) return null;
  const money = (nanos: number | null): number | null => (nanos === null ? null : nanos / 1e9);
  return {
    requests_per_minute: limits.requestsPerMinute,
    tokens_per_minute: limits.tokensPerMinute,
    concurrent_streams: limits.concurrentStreams,
    spend_per_day: money(limits.spendPerDayNanos),
    spend_per_month: money(limits.spendPerMonthNanos),
  };
}
