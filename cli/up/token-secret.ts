import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../runtime/errors.ts';

/**
 * The file with the secret that seals resume tokens. It is made up once and kept in the data directory, so that tokens
 * outlive a restart; only this user may read it.
 */
export async function tokenSecretFile(dataDir: string): Promise<string> {
  const path = join(dataDir, 'token-secret');
  try {
    await writeFile(path, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  return path;
}
