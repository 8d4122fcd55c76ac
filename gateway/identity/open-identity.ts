import { createDirectory, type Directory, type KeyEntry } from '../../policies/identity/directory.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { followTopics } from '../../streams/runner/follow-topics.ts';
import type { Grants } from '../../policies/identity/grants.ts';
import type { Credential, Keys, KeyStore } from '../keys.ts';
import { isSameMac, keyIdOf, looksLikeApiKey, macOf } from './api-key.ts';
import { createClientTokens, looksLikeClientToken, type ClientTokens } from './client-tokens.ts';
import { looksLikeJsonWebToken, type JsonWebTokens } from './json-web-tokens.ts';

/** Every kind of credential, and what they are made with. */
export interface Identity extends Keys {
  /** Keys and tenants as the log has them. */
  readonly directory: Directory;
  readonly clientTokens: ClientTokens;
}

/**
 * Opens the keys of the log beside others: every gateway knows each change as soon as the log has it. Resolves when all
 * that was said until now is known. Throws as Follower.add does.
 */
export async function openIdentity(options: {
  readonly events: EventLog;
  readonly topic: string;
  readonly pepper: Buffer;
  /** Seals client tokens. */
  readonly secret: Buffer;
  /** What client tokens are good for. */
  readonly clientPaths: Parameters<typeof createClientTokens>[1];
  /** Tokens of an identity provider; null where none is trusted. */
  readonly jsonWebTokens: JsonWebTokens | null;
  /** Whoever does not come with any of these. */
  readonly others: KeyStore;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Promise<Identity> {
  const { events, topic, pepper, others, jsonWebTokens } = options;
  const directory = createDirectory();
  /** When keys that were withdrawn stop working, on the clock that never goes back. */
  const ends = new Map<string, number>();
  const follower = await followTopics(events, [topic], {
    name: 'identities',
    onEvent(event) {
      directory.apply(event);
      if (event.type !== 'ApiKeyRevoked') return;
      const { keyId, graceMillis } = event.data;
      // What a wrong clock here may get wrong is the rest of a grace, never a withdrawal.
      const left = graceMillis - Math.min(graceMillis, Math.max(0, Date.now() - event.time));
      const end = performance.now() + left;
      if (directory.keys.get(keyId)?.revoked !== null) ends.set(keyId, Math.min(ends.get(keyId) ?? end, end));
    },
    onPoison: options.onPoison,
    onFailure: options.onFailure,
  });

  function inForce(keyId: string): KeyEntry | null {
    const found = directory.keys.get(keyId);
    if (found === undefined) return null;
    return performance.now() < (ends.get(keyId) ?? Number.POSITIVE_INFINITY) ? found : null;
  }

  function grantsOf(keyId: string | null): Grants | null {
    const found = keyId === null ? null : inForce(keyId);
    return found === null ? others.grantsOf(keyId) : found.grants;
  }

  function findKey(key: string): Credential | null {
    const keyId = keyIdOf(key);
    const found = keyId === null ? null : inForce(keyId);
    if (found === null || !isSameMac(macOf(key, pepper), found.mac)) return null;
    const { tenantId, principal, grants } = found;
    return {
      caller: { tenantId, principal, keyId: found.keyId },
      grants,
      isValid: () => inForce(found.keyId) !== null,
    };
  }

  const clientTokens = createClientTokens(options.secret, options.clientPaths, { grantsOf });
  return {
    directory,
    clientTokens,
    required: others.required,
    find(key) {
      if (key === null) return others.find(key);
      if (looksLikeApiKey(key)) return findKey(key);
      if (looksLikeClientToken(key)) return clientTokens.find(key);
      if (jsonWebTokens === null || !looksLikeJsonWebToken(key)) return others.find(key);
      // Whoever made a key of a file may have put dots in it.
      return others.find(key) ?? jsonWebTokens.find(key);
    },
    grantsOf,
    guardsOf: (tenantId) => directory.tenants.get(tenantId)?.guards ?? others.guardsOf(tenantId),
    limitsOf(owner) {
      const file = others.limitsOf(owner);
      const tenant = directory.tenants.get(owner.tenantId);
      const key = owner.keyId === null ? undefined : directory.keys.get(owner.keyId);
      return {
        key: key?.tenantId === owner.tenantId ? key.limits : file.key,
        user: tenant?.userLimits ?? file.user,
        tenant: tenant?.limits ?? file.tenant,
      };
    },
    async stop() {
      others.stop();
      await follower.stop();
    },
  };
}
