import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../runtime/config.ts';
import { errorCode, StenoError } from '../../runtime/errors.ts';

type KeyConfig = Pick<Config, 'audit' | 'dataDir'>;

/** Where the private key lies: where configured, else in the data directory. */
function keyFileOf({ audit, dataDir }: KeyConfig): string {
  return audit.keyFile ?? join(dataDir, 'audit', 'private-key.pem');
}

/**
 * Reads the key that seals are signed with; where none is configured and none is there, makes one. Throws StenoError
 * `bad_audit_key`.
 */
export function openSigningKey(config: KeyConfig): KeyObject {
  const file = keyFileOf(config);
  if (config.audit.keyFile === null) {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    try {
      // Fails if it exists: of two sealers that start at once the first one's key stays.
      writeFileSync(file, pem, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
  return readKey(file, createPrivateKey);
}

/**
 * Reads the public key that seals are checked with: of the file named, else the one that belongs to the key of this
 * installation. Throws StenoError `bad_audit_key`.
 */
export function readPublicKey(config: KeyConfig, file: string | null): KeyObject {
  return readKey(file ?? keyFileOf(config), createPublicKey);
}

export function publicPem(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

function readKey(file: string, create: (pem: Buffer) => KeyObject): KeyObject {
  try {
    const key = create(readFileSync(file));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw new StenoError('bad_audit_key', `${file} cannot be read as a key`, { fix: FIX, cause });
  }
  throw new StenoError('bad_audit_key', `${file} is not an Ed25519 key`, { fix: FIX });
}

const FIX = 'name an Ed25519 key in PEM, or start the sealer once, which makes one';
