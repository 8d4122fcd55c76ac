import type { Limits } from '../../schemas/generated/types.ts';

/** Whose message it is. */
export type Owner = {
  readonly tenantId: string;
  readonly principal: string;
  /** Id of the API key; null for a caller without one. */
  readonly keyId: string | null;
};

/** What is limited: everything under one key, of one user, or of one tenant. */
export type ScopeKind = 'key' | 'user' | 'tenant';

export type Scope = Owner & {
  readonly kind: ScopeKind;
  /** Names the scope among all of them. */
  readonly id: string;
  readonly limits: Limits;
};

export const unlimited: Limits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrentStreams: null,
  spendPerDayNanos: null,
  spendPerMonthNanos: null,
};

/** Returns the scopes that limit an owner, the narrowest first; those without a limit are left out. */
export function scopesOf(owner: Owner, limits: Readonly<Record<ScopeKind, Limits | null>>): readonly Scope[] {
  const { tenantId, principal, keyId } = owner;
  const named: readonly (readonly [ScopeKind, readonly string[]])[] = [
    ...(keyId === null ? [] : [['key', [tenantId, keyId]] as const]),
    ['user', [tenantId, principal]],
    ['tenant', [tenantId]],
  ];
  return named.flatMap(([kind, names]): readonly Scope[] => {
    const found = limits[kind];
    if (found === null || Object.values(found).every((limit) => limit === null)) return [];
    return [{ ...owner, kind, id: JSON.stringify([kind, ...names]), limits: found }];
  });
}
