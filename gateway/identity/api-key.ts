import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** A key: `sk-steno-<id>_<256 random bits>`, in base64url. The id finds it, the whole is what is proved. */
const KEY = /^sk-steno-([A-Za-z0-9]{16})_[\w-]{43}$/;
const PREFIX = 'sk-steno-';

/** True for what can only be meant as a key of the log. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Makes a key, to be shown once. */
export function makeApiKey(): { readonly keyId: string; readonly key: string } {
  const keyId = randomBytes(8).toString('hex');
  return { keyId, key: `${PREFIX}${keyId}_${randomBytes(32).toString('base64url')}` };
}

/** Returns the id in a key; null for what is none. */
export function keyIdOf(key: string): string | null {
  return KEY.exec(key)?.[1] ?? null;
}

/** HMAC-SHA-256 (RFC 2104) of a key under the pepper, in hex: what the log keeps. */
export function macOf(key: string, pepper: Buffer): string {
  return createHmac('sha256', pepper).update(key).digest('hex');
}

/** Compares in constant time. */
export function isSameMac(mac: string, other: string): boolean {
  return mac.length === other.length && timingSafeEqual(Buffer.from(mac), Buffer.from(other));
}
