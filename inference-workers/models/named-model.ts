import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { errorMessage, StenoError } from '../../runtime/errors.ts';
import type { ModelEntry } from './model-entry.ts';

/**
 * The entry of a model that a user names instead of choosing from the catalogue: the path of a GGUF file, or
 * `owner/name/file.gguf` of the hub (also `hf:owner/name/file.gguf@revision`), or `openai:<name>` of the
 * OpenAI-compatible API at `baseUrl`. Its id is the file's name, or the name with `-` for what an id cannot hold.
 *
 * Throws StenoError `bad_model_name`.
 */
export async function namedModel(name: string, baseUrl = OPENAI_URL): Promise<ModelEntry> {
  if (name.startsWith(REMOTE)) return remoteEntry(name.slice(REMOTE.length), baseUrl);
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
        fix: 'name the path of a GGUF file, owner/name/file.gguf of the Hugging Face hub, or openai:<name>',
        cause: error,
      });
    },
  );
  return entry(basename(path), size, [{ kind: 'path', path }]);
}

const OPENAI_URL = 'https://api.openai.com/v1';
const REMOTE = 'openai:';
const HUB_NAME = /^(?:hf:)?([\w.-]+\/[\w.-]+)\/((?:[\w.-]+\/)*[\w.-]+\.gguf)(?:@([\w./-]+))?$/;

function entry(fileName: string, sizeBytes: number | null, sources: ModelEntry['sources']): ModelEntry {
  return {
    ...unknown,
    id: idOf(fileName.replace(/\.gguf$/i, '')),
    pool: 'small',
    engine: 'llama-cpp',
    contextLength: 4_096,
    fileName,
    sizeBytes,
    sources,
  };
}

function remoteEntry(model: string, baseUrl: string): ModelEntry {
  const id = idOf(model);
  if (id === '') {
    throw new StenoError('bad_model_name', 'openai: is not followed by the name of a model', {
      fix: 'name a model of the API at OPENAI_BASE_URL, such as openai:gpt-4.1-mini',
    });
  }
  return {
    ...unknown,
    id,
    // A pool of its own: what the catalogue's models are asked for is not sent to somebody else's.
    pool: 'openai',
    engine: 'openai-compatible',
    backend: {
      baseUrl,
      model,
      apiKeyEnv: 'OPENAI_API_KEY',
      slots: 32,
      continues: false,
      maxTokensField: baseUrl === OPENAI_URL ? 'max_completion_tokens' : 'max_tokens',
      // Nobody else answers: one token every few seconds finds out sooner that it is well.
      breaker: { failures: 5, openMs: 5_000 },
      omit: [],
    },
    contextLength: 8_192,
    fileName: null,
    sizeBytes: null,
    sources: [],
  };
}

/** What a name does not say of a model. */
const unknown = {
  aliases: ['default'],
  maxOutputTokens: 1_024,
  quantisation: null,
  price: { inputPerMillion: 0, outputPerMillion: 0, currency: 'USD' },
  fallbacks: [],
  cacheSeconds: 0,
  deadlineMs: 600_000,
  firstTokenMs: 30_000,
  tokenGapMs: 30_000,
  sha256: null,
};

function idOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .replace(/^[^a-z0-9]+/, '');
}
