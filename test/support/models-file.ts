import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A catalogue in a folder of its own. */
export type ModelsFile = {
  readonly path: string;
  readonly folder: string;
  readonly remove: () => Promise<void>;
};

const REST = {
  ...{ aliases: [], contextLength: 131_072, maxOutputTokens: 8_192, quantisation: null },
  price: { inputPerMillion: 1, outputPerMillion: 1, currency: 'USD' },
  ...{ fileName: null, sizeBytes: null, sha256: null, sources: [] },
};

/** Writes a catalogue of models in pools of their own; what an entry does not say is as in any other. */
export async function writeModels(
  entries: readonly { readonly id: string; readonly engine: string; readonly [field: string]: unknown }[],
): Promise<ModelsFile> {
  const folder = await mkdtemp(join(tmpdir(), 'steno-models-'));
  const path = join(folder, 'models.json');
  const models = entries.map((entry) => ({ ...REST, pool: entry.id, ...entry }));
  await writeFile(path, JSON.stringify({ models }));
  return { path, folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
