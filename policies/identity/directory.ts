import type { AnyEvent, Guards, Limits } from '../../schemas/generated/types.ts';
import type { Grants } from './grants.ts';

/** A key as the log has it. */
export type KeyEntry = {
  readonly keyId: string;
  readonly tenantId: string;
  readonly principal: string;
  /** HMAC-SHA-256 of the key, in hex. */
  readonly mac: string;
  readonly limits: Limits | null;
  readonly grants: Grants;
  /** Id of the key that it took the place of. */
  readonly replaces: string | null;
  /** Milliseconds since 1970, by the broker. */
  readonly issuedAt: number;
  readonly actor: string;
  /** When it was withdrawn and how long it goes on from then; null while nobody has. */
  readonly revoked: { readonly at: number; readonly graceMillis: number } | null;
};

export type TenantEntry = {
  readonly tenantId: string;
  readonly limits: Limits | null;
  readonly userLimits: Limits | null;
  readonly guards: Guards | null;
};

/** Every key and tenant, as the log of identities tells it. */
export interface Directory {
  readonly keys: ReadonlyMap<string, KeyEntry>;
  readonly tenants: ReadonlyMap<string, TenantEntry>;
  /**
   * Folds one event; events of other kinds are passed over. A key is issued once, and withdrawn by its own tenant alone:
   * repeats and strangers change nothing.
   */
  apply(event: AnyEvent & { readonly time: number }): void;
}

export function createDirectory(): Directory {
  const keys = new Map<string, KeyEntry>();
  const tenants = new Map<string, TenantEntry>();
  return {
    keys,
    tenants,
    apply(event) {
      if (event.type === 'ApiKeyIssued') {
        const { keyId, tenantId, principal, mac, limits, replaces, actor } = event.data;
        if (keys.has(keyId)) return;
        const { role, models, routes, topics } = event.data;
        const rest = { limits, replaces, actor, issuedAt: event.time, revoked: null };
        keys.set(keyId, {
          keyId,
          tenantId,
          principal,
          mac,
          grants: { role, models, routes, topics },
          ...rest,
        });
      } else if (event.type === 'ApiKeyRevoked') {
        const { keyId, tenantId, graceMillis } = event.data;
        const found = keys.get(keyId);
        if (found === undefined || found.tenantId !== tenantId) return;
        keys.set(keyId, { ...found, revoked: earlier(found.revoked, { at: event.time, graceMillis }) });
      } else if (event.type === 'TenantChanged') {
        const { tenantId, limits, userLimits, guards } = event.data;
        tenants.set(tenantId, { tenantId, limits, userLimits, guards });
      }
    },
  };
}

/** A key that is replaced with a grace may still be withdrawn at once. */
function earlier(
  before: KeyEntry['revoked'],
  next: NonNullable<KeyEntry['revoked']>,
): NonNullable<KeyEntry['revoked']> {
  if (before === null) return next;
  return next.at + next.graceMillis < before.at + before.graceMillis ? next : before;
}
