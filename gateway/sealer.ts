import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';

/** Seals and opens texts with AES-256-GCM: who carries one can neither read nor change it. */
export interface Sealer {
  /** In base64url. */
  seal(text: string): string;
  /** Null for anything that this deployment did not seal for this purpose. */
  open(sealed: string): string | null;
}

const NONCE = 12;
const NONCES = 256;
const TAG = 16;
const LONGEST = 2_048;

/** The same secret on every gateway lets each open what another sealed; each purpose has a key of its own (RFC 5869). */
export function createSealer(secret: Buffer, purpose: string): Sealer {
  // A key object, not its bytes: sealing takes a third of the time.
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, 'steno', purpose, 32)));
  const nextNonce = openNonces();
  return {
    seal(text) {
      const nonce = nextNonce();
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return sealed.toString('base64url');
    },
    open(sealed) {
      if (sealed.length > LONGEST || !/^[\w-]+$/.test(sealed)) return null;
      const bytes = Buffer.from(sealed, 'base64url');
      // Spare bits of a last character would make a second spelling of the same seal.
      if (bytes.length <= NONCE + TAG || bytes.toString('base64url') !== sealed) return null;
      try {
        const nonce = bytes.subarray(0, NONCE);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG });
        decipher.setAuthTag(bytes.subarray(-TAG));
        const text = [decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()];
        return Buffer.concat(text).toString('utf8');
      } catch {
        // What was changed or sealed elsewhere names nothing here.
        return null;
      }
    },
  };
}

/** Fresh random nonces, drawn from the system a few hundred at a time: one call for each costs as much as the sealing. */
function openNonces(): () => Buffer {
  let drawn = randomBytes(NONCE * NONCES);
  let used = 0;
  return () => {
    if (used === drawn.length) [drawn, used] = [randomBytes(NONCE * NONCES), 0];
    used += NONCE;
    return drawn.subarray(used - NONCE, used);
  };
}
