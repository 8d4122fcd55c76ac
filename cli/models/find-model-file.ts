import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelEntry } from '../../inference-workers/models/catalogue.ts';
import { modelsDir } from '../../inference-workers/models/models-dir.ts';
import type { Config } from '../../runtime/config.ts';

/** Where a model's file lies; null for one that is not here yet, or needs none. */
export async function findModelFile(
  entry: ModelEntry,
  config: Pick<Config, 'cacheDir'>,
): Promise<string | null> {
  for (const source of entry.sources) {
    if (source.kind !== 'path' && source.kind !== 'cache') continue;
    const path = source.kind === 'path' ? source.path : join(modelsDir(config), entry.fileName ?? '');
    if ((await stat(path).catch(() => null))?.isFile() === true) return path;
  }
  return null;
}
