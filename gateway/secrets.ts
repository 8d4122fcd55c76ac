import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../runtime/errors.ts';
import type { Config } from '../runtime/config.ts';

/** What resume tokens are sealed with. */
export function readTokenSecret({ tokenSecret, dataDir }: Pick<Config, 'tokenSecret' | 'dataDir'>): Buffer {
  return readSecret(tokenSecret, dataDir, 'token-secret');
}

/** What keys on the log are hashed under. */
export function readKeyPepper({ keyPepper, dataDir }: Pick<Config, 'keyPepper' | 'dataDir'>): Buffer {
  return readSecret(keyPepper, dataDir, 'key-pepper');
}

/** Returns the configured secret, else one that is made up once and kept in the data directory. */
function readSecret(configured: string | null, dataDir: string, name: string): Buffer {
  if (configured !== null) return Buffer.from(configured, 'utf8');
  const folder = join(dataDir, 'gateway');
  const file = join(folder, name);
  mkdirSync(folder, { recursive: true });
  try {
    // Fails if it exists: of two gateways that start at once the first one's secret stays.
    writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  return readFileSync(file);
}
