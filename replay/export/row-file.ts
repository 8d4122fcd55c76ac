import { renameSync, statSync } from 'node:fs';
import { hashFile } from '../../runtime/hash-file.ts';

/** A file of an export, as the manifest lists it; `path` is relative to its folder. */
export type WrittenFile = {
  readonly path: string;
  readonly records: number;
  readonly bytes: number;
  readonly sha256: string;
};

/** The extension a file has until it is whole. */
export const UNFINISHED = '.unfinished';

/** Gives a file that is whole its name and reads it back for its checksum. */
export async function seal(file: string): Promise<Pick<WrittenFile, 'bytes' | 'sha256'>> {
  renameSync(`${file}${UNFINISHED}`, file);
  return { bytes: statSync(file).size, sha256: await hashFile(file) };
}
