import { randomUUID } from 'node:crypto';
import { makeApiKey, macOf } from '../../gateway/identity/api-key.ts';
import type { KeyEntry } from '../../policies/identity/directory.ts';
import { StenoError } from '../../runtime/errors.ts';
import type { Limits } from '../../schemas/generated/types.ts';
import { envelope, type Envelope } from '../../streams/event.ts';
import type { OpenIdentities } from './open-identities.ts';

/** Makes a key and resolves to it: it is never seen again. */
export async function issueKey(
  open: OpenIdentities,
  whose: {
    readonly tenantId: string;
    readonly principal: string;
    readonly limits: Limits | null;
    readonly replaces: string | null;
  },
): Promise<{ readonly keyId: string; readonly key: string }> {
  const made = makeApiKey();
  const { keyId, key } = made;
  const { actor, pepper } = open;
  const data = { ...stamp(open, whose.tenantId), ...whose, actor, keyId, mac: macOf(key, pepper) };
  await open.append({ type: 'ApiKeyIssued', data });
  return made;
}

/** Throws StenoError `no_such_key`, and `key_withdrawn` where it was withdrawn before. */
export function keyNamed({ directory }: OpenIdentities, keyId: string): KeyEntry {
  const found = directory.keys.get(keyId);
  if (found === undefined) {
    throw new StenoError('no_such_key', `there is no key ${keyId}`, { fix: 'see steno keys list' });
  }
  return found;
}

export async function revokeKey(open: OpenIdentities, key: KeyEntry, graceMillis: number): Promise<void> {
  const { tenantId, keyId } = key;
  const data = { ...stamp(open, tenantId), actor: open.actor, keyId, graceMillis };
  await open.append({ type: 'ApiKeyRevoked', data });
}

export async function changeTenant(
  open: OpenIdentities,
  tenantId: string,
  limits: Limits | null,
  userLimits: Limits | null,
): Promise<void> {
  const data = { ...stamp(open, tenantId), actor: open.actor, limits, userLimits };
  await open.append({ type: 'TenantChanged', data });
}

/** Each command is a cause of its own: nothing made it but a person. */
function stamp({ producer }: OpenIdentities, tenantId: string): Envelope {
  const command = `cmd_${randomUUID()}`;
  return envelope({ eventId: command, correlationId: command, tenantId }, 'identity', producer, Date.now());
}
