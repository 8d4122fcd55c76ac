import { readFileSync } from 'node:fs';
import { errorMessage, StenoError } from './errors.ts';

/** The environment of this process: the only place that reads it. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/**
 * Returns the secret of this name: what the file named by `<name>_FILE` holds, else the variable itself; null if neither
 * is set. Throws StenoError `bad_config` for a file that cannot be read.
 */
export function readSecret(env: Readonly<Record<string, string | undefined>>, name: string): string | null {
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '')
    return env[name] === undefined || env[name] === '' ? null : env[name];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new StenoError('bad_config', `${name}_FILE cannot be read: ${errorMessage(error)}`, {
      fix: `name a file that this process may read in ${name}_FILE`,
      cause: error,
    });
  }
}
