import { join } from 'node:path';
import {
  findModel,
  loadCatalogue,
  type Catalogue,
  type ModelEntry,
} from '../inference-workers/models/catalogue.ts';
import { namedModel } from '../inference-workers/models/named-model.ts';
import type { Config } from '../runtime/config.ts';
import { StenoError } from '../runtime/errors.ts';

export type ChosenModel = {
  readonly model: ModelEntry;
  /** Every pool that a message may be routed to. */
  readonly pools: readonly string[];
};

/** Reads the catalogue that is configured, or Steno's own. */
export function configuredCatalogue(config: Config): Promise<Catalogue> {
  return config.modelsFile === null ? loadCatalogue() : loadCatalogue(config.modelsFile);
}

/**
 * The model that answers by default: the one that STENO_MODEL names, else the catalogue's `default`, else its first.
 * Throws StenoError `bad_catalogue` or `bad_model_name`.
 */
export async function chooseModel(config: Config): Promise<ChosenModel> {
  const catalogue = await configuredCatalogue(config);
  const model = await modelNamed(catalogue, config.model);
  const pools = [...catalogue.models.map((entry) => entry.pool), model.pool];
  return { model, pools: [...new Set(config.pool === null ? pools : [...pools, config.pool])] };
}

/** Where model files are kept. */
export function modelsDir(config: Config): string {
  return join(config.cacheDir, 'models');
}

async function modelNamed(catalogue: Catalogue, name: string | null): Promise<ModelEntry> {
  if (name !== null) return findModel(catalogue, name) ?? namedModel(name);
  const found = findModel(catalogue, 'default') ?? catalogue.models[0];
  if (found !== undefined) return found;
  throw new StenoError('bad_catalogue', 'the model catalogue is empty', { fix: 'correct STENO_MODELS_FILE' });
}
