import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { errorMessage, StenoError } from '../../runtime/errors.ts';
import type { ModelEntry } from './model-entry.ts';

/**
 * The entry of a model that a user names instead of choosing from the catalogue: the path of a GGUF file, or
 * `owner/name/file.gguf` of the hub (also `hf:owner/name/file.gguf@revision`). Its id is the file's name.
 *
 * Throws StenoError `bad_model_name`.
 */
export async function namedModel(name: string): Promise<ModelEntry> {
  const hub = HUB_NAME.exec(name);
  const isFile = await stat(name).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile && hub !== null && (name.startsWith('hf:') || !/^[./~]/.test(name))) {
    const [, repo = '', file = '', revision = 'main'] = hub;
    return entry(basename(file), null, [{ kind: 'cache' }, { kind: 'hub', repo, file, revision }]);
  }
  const path = resolve(name);
  const size = await stat(path).then(
    (found) => found.size,
    (error: unknown) => {
      throw new StenoError('bad_model_name', `no model file ${path}: ${errorMessage(error)}`, {
        fix: 'name the path of a GGUF file, or owner/name/file.gguf of the Hugging Face hub',
        cause: error,
      });
    },
  );
  return entry(basename(path), size, [{ kind: 'path', path }]);
}

const HUB_NAME = /^(?:hf:)?([\w.-]+\/[\w.-]+)\/((?:[\w.-]+\/)*[\w.-]+\.gguf)(?:@([\w./-]+))?$/;

function entry(fileName: string, sizeBytes: number | null, sources: ModelEntry['sources']): ModelEntry {
  const id = fileName
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-');
  return {
    id,
    aliases: ['default'],
    pool: 'small',
    engine: 'llama-cpp',
    contextLength: 4_096,
    maxOutputTokens: 1_024,
    quantisation: null,
    price: { inputPerMillion: 0, outputPerMillion: 0, currency: 'USD' },
    deadlineMs: 600_000,
    firstTokenMs: 30_000,
    tokenGapMs: 30_000,
    fileName,
    sizeBytes,
    sha256: null,
    sources,
  };
}
