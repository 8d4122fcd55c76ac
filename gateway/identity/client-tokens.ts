import { z } from 'zod';
import { mayCall, type Grants } from '../../policies/identity/grants.ts';
import type { Credential, KeyStore } from '../keys.ts';
import { createSealer } from '../sealer.ts';

/** Longest life of a client token, in seconds: it lies in a browser and can be withdrawn only with its key. */
export const CLIENT_TOKEN_SECONDS = 600;

const PREFIX = 'ct-steno-';
const sealed = z.tuple([
  z.string(),
  z.string(),
  z.string().nullable(),
  z.array(z.string()).nullable(),
  z.int(),
]);

/** Whom a client token is for. */
export type Bearer = {
  readonly tenantId: string;
  /** Who calls with it, within the tenant. */
  readonly principal: string;
  /** The key it was asked for with: it dies with it. Null where no key is needed. */
  readonly keyId: string | null;
  /** Ids of the models it may name; null for all that its key may. */
  readonly models: readonly string[] | null;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
};

/** Short-lived credentials for browsers, of one user each. Nothing is kept of them: any gateway opens one. */
export interface ClientTokens {
  seal(bearer: Bearer): string;
  find(token: string): Credential | null;
}

export function looksLikeClientToken(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Opens client tokens that are good for `paths` and no others, of which their key may call some. `keys` says what the
 * key of a token is good for right now.
 */
export function createClientTokens(
  secret: Buffer,
  paths: readonly { readonly method: string; readonly path: string }[],
  keys: Pick<KeyStore, 'grantsOf'>,
): ClientTokens {
  const sealer = createSealer(secret, 'client-token');
  const every = [...new Set(paths.map(({ path }) => path))];

  /** What a token may do of what its key may; null once the key is withdrawn. */
  function grantsUnder(keyId: string | null, models: readonly string[] | null): Grants | null {
    const own = keys.grantsOf(keyId);
    if (own === null) return null;
    return {
      role: own.role,
      models: models === null ? own.models : models.filter((id) => own.models?.includes(id) ?? true),
      routes:
        own.routes === null
          ? every
          : paths.filter((route) => mayCall(own, { port: 'clients', ...route })).map(({ path }) => path),
      // One user's: what others say is not for its browser.
      topics: [],
    };
  }

  return {
    seal: ({ tenantId, principal, keyId, models, expiresAt }) =>
      PREFIX + sealer.seal(JSON.stringify([tenantId, principal, keyId, models, expiresAt])),
    find(token) {
      const text = looksLikeClientToken(token) ? sealer.open(token.slice(PREFIX.length)) : null;
      if (text === null) return null;
      const [tenantId, principal, keyId, models, expiresAt] = sealed.parse(JSON.parse(text));
      const isValid = (): boolean => Date.now() < expiresAt && keys.grantsOf(keyId) !== null;
      const grants = grantsUnder(keyId, models);
      if (grants === null || !isValid()) return null;
      return { caller: { tenantId, principal, keyId }, grants, isValid };
    },
  };
}
