import { createDirectory, type KeyEntry } from '../../policies/identity/directory.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { followTopics } from '../../streams/runner/follow-topics.ts';
import type { Credential, Keys } from '../keys.ts';
import { isSameMac, keyIdOf, looksLikeApiKey, macOf } from './api-key.ts';

/**
 * Opens the keys of the log beside others: every gateway knows each change as soon as the log has it. Resolves when all
 * that was said until now is known. Throws as Follower.add does.
 */
export async function openIdentity(options: {
  readonly events: EventLog;
  readonly topic: string;
  readonly pepper: Buffer;
  /** Whoever does not come with a key of the log. */
  readonly others: Keys;
  readonly onPoison: () => void;
  readonly onFailure: (error: unknown) => void;
}): Promise<Omit<Keys, 'stop'> & { stop(): Promise<void> }> {
  const { events, topic, pepper, others } = options;
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

  function find(key: string | null): Credential | null {
    if (key === null || !looksLikeApiKey(key)) return others.find(key);
    const keyId = keyIdOf(key);
    const found = keyId === null ? null : inForce(keyId);
    if (found === null || !isSameMac(macOf(key, pepper), found.mac)) return null;
    const { tenantId, principal } = found;
    return {
      caller: { tenantId, principal, keyId: found.keyId },
      isValid: () => inForce(found.keyId) !== null,
    };
  }

  return {
    required: others.required,
    find,
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
