import { join } from 'node:path';
import type { ModelEntry } from '../../inference-workers/models/catalogue.ts';
import { modelsDir } from '../../inference-workers/models/models-dir.ts';
import { verifyFile } from '../../inference-workers/models/verify-file.ts';
import type { Config } from '../../runtime/config.ts';
import { findModelFile } from '../models/find-model-file.ts';
import { notRun, ok, problem, type Verdict } from './finding.ts';

/** Verifies a model's file where there is one; fetches nothing. */
export async function checkModel(entry: ModelEntry, config: Config): Promise<Verdict> {
  const { id, fileName, sources, sizeBytes } = entry;
  if (fileName === null) return ok(`${id} needs no file`);
  const path = await findModelFile(entry, config);
  if (path !== null) {
    await verifyFile(path, entry, join(modelsDir(config), `${fileName}.verified`));
    return ok(`${id}: ${path} is whole`);
  }
  if (!sources.some(({ kind }) => kind === 'hub' || kind === 'wheel')) {
    return problem(
      `the file of ${id} is not here, and nowhere to be fetched from`,
      `put it at ${join(modelsDir(config), fileName)}`,
    );
  }
  const bytes = sizeBytes === null ? '' : ` (${Math.round(sizeBytes / 1e6)} MB)`;
  return notRun(`${id} is not here yet; the next start fetches it${bytes}`);
}
