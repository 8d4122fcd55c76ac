import { readFile } from 'node:fs/promises';
import { errorMessage, StenoError } from '../../runtime/errors.ts';

/** Returns the API key to send: that of the file, if one is named, else the configured one. Throws `bad_key_file`. */
export async function readKey(file: string | undefined, configured: string | null): Promise<string | null> {
  if (file === undefined) return configured;
  try {
    const key = (await readFile(file, 'utf8')).trim();
    if (key !== '') return key;
  } catch (error) {
    throw badFile(file, errorMessage(error));
  }
  throw badFile(file, 'it is empty');
}

function badFile(file: string, why: string): StenoError {
  return new StenoError('bad_key_file', `no API key can be read from ${file}: ${why}`, {
    fix: 'name a file that holds the key and nothing else',
  });
}
