import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { ModelEntry } from '../../inference-workers/models/catalogue.ts';
import { findModel, loadCatalogue } from '../../inference-workers/models/catalogue.ts';
import { fetchModel } from '../../inference-workers/models/fetch-model.ts';
import type { Progress } from '../../runtime/progress.ts';

const cacheDir = fileURLToPath(new URL('../../.steno/cache/models/', import.meta.url));
const quiet: Progress = {
  step: () => ({ update: () => undefined, finish: () => undefined, fail: () => undefined }),
  line: () => undefined,
};

/** The model that an installation has unless somebody says otherwise, fetched if it is not there. */
export async function defaultModel(): Promise<{ readonly entry: ModelEntry; readonly modelPath: string }> {
  const entry = findModel(await loadCatalogue(), 'default');
  assert.ok(entry !== null);
  const modelPath = await fetchModel(entry, { cacheDir, progress: quiet });
  assert.ok(modelPath !== null);
  return { entry, modelPath };
}
