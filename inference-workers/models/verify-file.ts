import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { StenoError } from '../../runtime/errors.ts';
import { hashFile } from '../../runtime/hash-file.ts';
import type { ModelEntry } from './model-entry.ts';

/** Written beside a verified file, so that the next start need not read the whole file again. */
type Stamp = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly sha256: string;
};

/**
 * Checks size, GGUF mark and SHA-256 of a model file. A file unchanged since its `stampPath` was written is not read
 * again. A file verified before it is moved to its place is stamped as `storedAs`.
 *
 * Throws StenoError `model_corrupt`, or the system's error if the file cannot be read.
 */
export async function verifyFile(
  path: string,
  entry: ModelEntry,
  stampPath: string,
  storedAs = path,
): Promise<void> {
  const { size, mtimeMs } = await stat(path);
  if (entry.sizeBytes !== null && size !== entry.sizeBytes) {
    throw corrupt(path, entry, `it has ${size} bytes, expected ${entry.sizeBytes}`);
  }
  const stamp = await readStamp(stampPath);
  const unchanged = stamp?.path === path && stamp.sizeBytes === size && stamp.mtimeMs === mtimeMs;
  if (unchanged && (entry.sha256 === null || entry.sha256 === stamp.sha256)) return;
  if ((await readMagic(path)) !== 'GGUF') throw corrupt(path, entry, 'it is not a GGUF file');
  const sha256 = await hashFile(path);
  if (entry.sha256 !== null && sha256 !== entry.sha256) {
    throw corrupt(path, entry, `its SHA-256 is ${sha256}, expected ${entry.sha256}`);
  }
  await writeStamp(stampPath, { path: storedAs, sizeBytes: size, mtimeMs, sha256 });
}

async function readMagic(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function readStamp(path: string): Promise<Stamp | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Stamp; // our own file; a wrong one fails the comparison
  } catch {
    return null;
  }
}

async function writeStamp(path: string, stamp: Stamp): Promise<void> {
  await writeFile(path, `${JSON.stringify(stamp)}\n`).catch(() => undefined); // a read-only cache is hashed each time
}

function corrupt(path: string, entry: ModelEntry, why: string): StenoError {
  // A file that somebody named is theirs: nothing of ours would fetch it again.
  const named = entry.sources.some((source) => source.kind === 'path');
  return new StenoError('model_corrupt', `the model file ${path} is damaged: ${why}`, {
    fix: named ? 'name a GGUF file' : `delete ${path} so that it is fetched again`,
    facts: { path },
  });
}
