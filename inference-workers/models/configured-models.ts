import type { Config } from '../../runtime/config.ts';
import { catalogueOf, findModel, loadCatalogue, type Catalogue, type ModelEntry } from './catalogue.ts';
import { namedModel } from './named-model.ts';

/** The models of this installation, and the one that is meant where none is named. */
export type ConfiguredModels = {
  readonly catalogue: Catalogue;
  readonly defaultModel: ModelEntry;
  /** Every pool once. */
  readonly pools: readonly string[];
};

const DEFAULT_ALIAS = 'default';

/**
 * Reads the catalogue and applies STENO_MODEL: an id or alias of it, a .gguf file, a file of the hub, or a model of the
 * API at `openaiBaseUrl`.
 */
export async function configuredModels(
  config: Pick<Config, 'modelsFile' | 'model'> & Partial<Pick<Config, 'openaiBaseUrl'>>,
): Promise<ConfiguredModels> {
  const catalogue =
    config.modelsFile === null ? await loadCatalogue() : await loadCatalogue(config.modelsFile);
  const known =
    findModel(catalogue, config.model ?? DEFAULT_ALIAS) ??
    (config.model === null ? catalogue.models[0] : undefined);
  if (known !== undefined) return withDefault(catalogue, known);
  const named = await namedModel(config.model ?? DEFAULT_ALIAS, config.openaiBaseUrl);
  // Whoever names a model means that one, also where the catalogue has another of the same id.
  const others = catalogue.models.filter(({ id }) => id !== named.id);
  return withDefault(catalogueOf([...others, named], catalogue.demoAliases), named);
}

function withDefault(catalogue: Catalogue, defaultModel: ModelEntry): ConfiguredModels {
  return { catalogue, defaultModel, pools: [...new Set(catalogue.models.map((model) => model.pool))] };
}
