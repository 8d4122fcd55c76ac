import { mkdir, realpath } from 'node:fs/promises';

/** Creates a directory if need be and returns its one real, absolute path. */
export async function realDir(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  return realpath(dir);
}
