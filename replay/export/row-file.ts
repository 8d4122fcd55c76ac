import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';

/** A file of an export, as the manifest lists it; `path` is relative to its folder. */
export type WrittenFile = {
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
  readonly sha256: string;
};

/** The extension a file has until it is whole. */
export const UNFINISHED = '.unfinished';

const CHUNK = 1024 * 1024;

/** Gives a file that is whole its name and reads it back for its checksum. */
export function seal(file: string): Pick<WrittenFile, 'bytes' | 'sha256'> {
  renameSync(`${file}${UNFINISHED}`, file);
  return { bytes: statSync(file).size, sha256: hashOf(file) };
}

/** Returns the SHA-256 of a file in hex. */
export function hashOf(file: string): string {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK);
  const handle = openSync(file, 'r');
  try {
    for (let read = readSync(handle, chunk); read > 0; read = readSync(handle, chunk))
      hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(handle);
  }
  return hash.digest('hex');
}
