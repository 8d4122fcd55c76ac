import type { KeyRole } from '../../schemas/generated/types.ts';

/** What a credential is good for. */
export type Grants = {
  readonly role: KeyRole;
  /** Ids of the models it may name; null for all. */
  readonly models: readonly string[] | null;
  /** Paths it may call, as OpenAPI writes them, a star at the end for all that begin so; null for all of its role. */
  readonly routes: readonly string[] | null;
  /** Topics it may subscribe to, by what `streams/topics.ts` calls them; null for those of its role. */
  readonly topics: readonly string[] | null;
};

/** Of a key that nothing more was said about. */
export const ORDINARY: Grants = { role: 'user', models: null, routes: null, topics: null };

/** One thing that may be asked for: on the ports of clients, or on the one of administrators. */
export type Route = {
  readonly port: 'clients' | 'admin';
  readonly method: string;
  /** As OpenAPI writes it. */
  readonly path: string;
};

const STATUS = '/status.json';

/** True if the credential may call the route. What nobody granted is denied, and so is a role from the future. */
export function mayCall({ role, routes }: Grants, { port, method, path }: Route): boolean {
  if (routes !== null && !routes.some((pattern) => covers(pattern, path))) return false;
  switch (role) {
    case 'user':
      return port === 'clients';
    case 'auditor':
      return port === 'clients' && method === 'GET';
    case 'admin':
    case 'operator':
      return port === 'admin' || path === STATUS;
    case 'OTHER':
      return false;
  }
}

/** True for models that it may name and be told of. */
export function mayUseModel({ models }: Grants, modelId: string): boolean {
  return models === null || models.includes(modelId);
}

/** True for who may subscribe to what all users of the tenant leave on a topic: auditors, and keys that were given it. */
export function maySubscribe({ role, topics }: Grants, topic: string): boolean {
  return topics === null ? role === 'auditor' : topics.includes(topic);
}

/** True for who may read what all users of the tenant said. */
export function seesTenant({ role }: Grants): boolean {
  return role === 'auditor';
}

/** True for who may manage keys and limits of the tenant. */
export function mayManage({ role }: Grants, ownTenant: string, tenantId: string): boolean {
  return role === 'operator' || (role === 'admin' && ownTenant === tenantId);
}

/** Roles that a manager may give away: nobody makes a key that may more than its own. */
export function mayGrant({ role }: Grants, given: KeyRole): boolean {
  return role === 'operator' || (role === 'admin' && given !== 'operator');
}

function covers(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
