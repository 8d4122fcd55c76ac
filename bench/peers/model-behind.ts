import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalogue } from '../../inference-workers/models/catalogue.ts';
import { startBackend, type Backend } from './backend.ts';

/** Our model that is the backend of the peers, and what the roles must be told to know it. */
export type ModelBehind = {
  readonly model: string;
  readonly backend: Backend;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
};

const MODEL = 'scripted-behind';

/** Starts the scripted backend and writes a catalogue that has it as one more model, in a pool of its own. */
export async function startModelBehind(): Promise<ModelBehind> {
  const backend = await startBackend();
  const directory = await mkdtemp(join(tmpdir(), 'steno-bench-models-'));
  const file = join(directory, 'catalogue.json');
  const { models } = await loadCatalogue();
  const scripted = models.find(({ engine }) => engine === 'scripted');
  if (scripted === undefined) throw new Error('the catalogue has no scripted model');
  const behind = {
    ...scripted,
    ...{ id: MODEL, pool: MODEL, engine: 'openai-compatible' },
    // As many at once as the largest load: the peers have no limit either.
    backend: { baseUrl: backend.baseUrl, model: 'scripted', slots: 64 },
  };
  await writeFile(file, JSON.stringify({ models: [scripted, behind] }));
  return {
    model: MODEL,
    backend,
    env: { STENO_MODELS_FILE: file },
    async close() {
      await backend.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
