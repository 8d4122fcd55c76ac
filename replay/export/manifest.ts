import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { StenoError } from '../../runtime/errors.ts';
import { replaceFile } from '../../runtime/replace-file.ts';
import { isEmpty } from '../empty-folder.ts';
import { CHECKSUMS, checksumsOf } from './checksums.ts';
import { FORMATS } from './table-files.ts';

const MANIFEST = 'manifest.json';

const offset = z.int().min(0);
const file = z.strictObject({ path: z.string(), records: offset, bytes: offset, sha256: z.string() });

/** What of the log an export takes. */
const request = z.strictObject({
  topic: z.string(),
  /** Which topic of this name: another log may have one of the same. */
  topicId: z.string(),
  format: z.enum(FORMATS),
  /** By the broker's clock, milliseconds since 1970; null for no bound. */
  from: z.int().nullable(),
  to: z.int().nullable(),
  tenant: z.string().nullable(),
  types: z.array(z.string()).nullable(),
  withoutPii: z.boolean(),
});

const manifest = z.strictObject({
  version: z.literal(1),
  request,
  /** What there is to read, fixed when the export began: by partition, from an offset to before another. */
  stretches: z.array(z.strictObject({ partition: offset, from: offset, to: offset })),
  /** Partitions that are whole. */
  done: z.array(z.strictObject({ partition: offset, undecodable: offset, files: z.array(file) })),
  complete: z.boolean(),
});
export type ExportRequest = z.infer<typeof request>;
export type Manifest = z.infer<typeof manifest>;
export type DonePartition = Manifest['done'][number];

/**
 * Reads what an earlier run left in the folder; null for one that is empty or not there. What was written of partitions whose
 * files are not as listed is forgotten. Throws StenoError `folder_in_use` for a folder of anything else, or of another
 * export.
 */
export function readManifest(folder: string, wanted: ExportRequest): Manifest | null {
  if (isEmpty(folder)) return null;
  const parsed = manifest.safeParse(jsonOf(join(folder, MANIFEST)));
  if (!parsed.success)
    throw new StenoError('folder_in_use', `${folder} is not empty, and holds no export`, {
      fix: 'name a folder that is not there yet',
    });
  const found = parsed.data;
  if (!isDeepStrictEqual(found.request, wanted))
    throw new StenoError(
      'folder_in_use',
      `${folder} holds another export: ${JSON.stringify(found.request)}`,
      {
        fix: 'name another folder, or the same topic, format, times, types and tenant to go on with that one',
      },
    );
  const done = found.done.filter(({ files }) =>
    files.every(({ path, bytes }) => sizeOf(join(folder, path)) === bytes),
  );
  return { ...found, done, complete: found.complete && done.length === found.done.length };
}

/** Replaces the manifest, and once all is there writes the checksums as `sha256sum --check` reads them. */
export function writeManifest(folder: string, next: Manifest): void {
  mkdirSync(folder, { recursive: true });
  replaceFile(join(folder, MANIFEST), `${JSON.stringify(next, null, 2)}\n`);
  if (!next.complete) return;
  const files = next.done.flatMap((partition) => partition.files);
  files.sort((one, other) => (one.path < other.path ? -1 : 1));
  replaceFile(join(folder, CHECKSUMS), checksumsOf(files));
}

function sizeOf(path: string): number | null {
  return existsSync(path) ? statSync(path).size : null;
}

function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
