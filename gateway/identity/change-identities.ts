import { randomUUID } from 'node:crypto';
import type { Directory, KeyEntry, TenantEntry } from '../../policies/identity/directory.ts';
import type { Grants } from '../../policies/identity/grants.ts';
import type { AnyEvent, EventOf, Limits, Producer } from '../../schemas/generated/types.ts';
import { envelope, type Envelope } from '../../streams/event.ts';
import { refuse } from '../problems.ts';
import { makeApiKey, macOf } from './api-key.ts';

/** Keys and tenants, and the way to change them. */
export type OpenIdentities = {
  readonly directory: Directory;
  readonly pepper: Buffer;
  readonly producer: Producer;
  /** Resolves when the log has it. */
  readonly append: (event: AnyEvent & { readonly data: { readonly tenantId: string } }) => Promise<void>;
};

/** A key to be made. */
export type KeyOrder = {
  readonly tenantId: string;
  readonly principal: string;
  readonly limits: Limits | null;
  readonly grants: Grants;
  /** Id of the key that it takes the place of. */
  readonly replaces: string | null;
};

/** A key that was made: it is never seen again. */
export type MadeKey = { readonly keyId: string; readonly key: string };

/** Makes a key. `actor`: who does it, for the record. */
export async function issueKey(open: OpenIdentities, actor: string, order: KeyOrder): Promise<MadeKey> {
  const made = makeApiKey();
  const { keyId, key } = made;
  const { grants, ...whose } = order;
  const mac = macOf(key, open.pepper);
  const data = { ...stamp(open, whose.tenantId), ...whose, ...grants, actor, keyId, mac };
  await open.append({ type: 'ApiKeyIssued', data });
  return made;
}

/** Makes a key in place of another, which goes on for a while. */
export async function rotateKey(
  open: OpenIdentities,
  actor: string,
  old: KeyEntry,
  graceMillis: number,
): Promise<MadeKey> {
  const { keyId: replaces, tenantId, principal, limits, grants } = old;
  const made = await issueKey(open, actor, { tenantId, principal, limits, grants, replaces });
  await revokeKey(open, actor, old, graceMillis);
  return made;
}

/** Throws StenoError `not_found`. */
export function keyNamed({ directory }: Pick<OpenIdentities, 'directory'>, keyId: string): KeyEntry {
  const found = directory.keys.get(keyId);
  if (found === undefined) throw refuse('not_found', `there is no key ${keyId}`, { fix: 'list the keys' });
  return found;
}

export async function revokeKey(
  open: OpenIdentities,
  actor: string,
  key: KeyEntry,
  graceMillis: number,
): Promise<void> {
  const { tenantId, keyId } = key;
  await open.append({
    type: 'ApiKeyRevoked',
    data: { ...stamp(open, tenantId), actor, keyId, graceMillis },
  });
}

export async function changeTenant(open: OpenIdentities, actor: string, change: TenantEntry): Promise<void> {
  await open.append({ type: 'TenantChanged', data: { ...stamp(open, change.tenantId), actor, ...change } });
}

/** Returns the event that keeps answers of a tenant, and of a model if one is named, from being given again. */
export function clearing(
  open: OpenIdentities,
  actor: string,
  tenantId: string,
  model: string | null,
): EventOf<'CacheCleared'> {
  return { type: 'CacheCleared', data: { ...stamp(open, tenantId), actor, model } };
}

/** Each command is a cause of its own: nothing made it but a person. */
function stamp({ producer }: OpenIdentities, tenantId: string): Envelope {
  const command = `cmd_${randomUUID()}`;
  return envelope({ eventId: command, correlationId: command, tenantId }, 'identity', producer, Date.now());
}
