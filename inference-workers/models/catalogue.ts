import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { errorMessage, StenoError } from '../../runtime/errors.ts';
import { DEGRADED_MODEL } from '../../streams/degraded.ts';
import type { ModelEntry } from './model-entry.ts';
import { modelEntry } from './model-entry.ts';

export type { ModelEntry } from './model-entry.ts';

/** The models of an installation. */
export type Catalogue = {
  readonly models: readonly ModelEntry[];
  /**
   * Names of models that many programs are configured for: the default model answers to them, so that such a program
   * works as it is, and says who it is. For demos: a catalogue of one's own lists them only if it wants to.
   */
  readonly demoAliases: readonly string[];
  /** SHA-256 of the entries: equal hashes, equal catalogues, however the file is laid out. */
  readonly contentHash: string;
};

const OWN_CATALOGUE = fileURLToPath(new URL('./catalogue.json', import.meta.url));

/** Reads a catalogue file, Steno's own by default. Throws StenoError `bad_catalogue` that names every problem at once. */
export async function loadCatalogue(path: string = OWN_CATALOGUE): Promise<Catalogue> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw bad(path, [errorMessage(error)]);
  }
  return parseCatalogue(value, path);
}

/** Checks the value of a catalogue file; `path` only names it in the error. */
export function parseCatalogue(value: unknown, path: string): Catalogue {
  const parsed = z
    .strictObject({
      models: z.array(modelEntry).min(1),
      demoAliases: z.array(z.string().min(1)).default([]),
    })
    .safeParse(value);
  if (!parsed.success)
    throw bad(
      path,
      parsed.error.issues.map((issue) => describe(issue, value)),
    );
  const { models, demoAliases } = parsed.data;
  const problems = [...repeatedNames(models), ...models.flatMap(contradictions), ...strayFallbacks(models)];
  if (problems.length > 0) throw bad(path, problems);
  return catalogueOf(models, demoAliases);
}

/** Builds a catalogue of entries that were checked or made by `modelFromFile` and `modelFromHub`. */
export function catalogueOf(models: readonly ModelEntry[], demoAliases: readonly string[] = []): Catalogue {
  return {
    models,
    demoAliases,
    contentHash: createHash('sha256')
      .update(JSON.stringify(models.map(sorted)))
      .digest('hex'),
  };
}

/** Returns the model with this id, else the one with this alias, else null. */
export function findModel(catalogue: Catalogue, nameOrAlias: string): ModelEntry | null {
  const { models } = catalogue;
  return (
    models.find((model) => model.id === nameOrAlias) ??
    models.find((model) => model.aliases.includes(nameOrAlias)) ??
    null
  );
}

function repeatedNames(models: readonly ModelEntry[]): string[] {
  const names = models.flatMap((model) => [model.id, ...model.aliases]);
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...repeated].map(
    (name) => `models: got the name "${name}" twice, expected ids and aliases that differ`,
  );
}

function contradictions(model: ModelEntry): string[] {
  const problems: string[] = [];
  if ([model.id, ...model.aliases].includes(DEGRADED_MODEL))
    problems.push(`${model.id}: got the name ${DEGRADED_MODEL}, which is Steno's own`);
  if (model.maxOutputTokens > model.contextLength) {
    problems.push(
      `${model.id}.maxOutputTokens: got ${model.maxOutputTokens}, expected at most contextLength`,
    );
  }
  if (model.engine === 'llama-cpp' && (model.fileName === null || model.sources.length === 0)) {
    problems.push(`${model.id}: got no fileName or no sources, expected both for the engine llama-cpp`);
  }
  if ((model.engine === 'openai-compatible') !== (model.backend !== undefined)) {
    const wanted = model.engine === 'openai-compatible' ? 'one' : 'none';
    const got = model.backend === undefined ? 'no backend' : 'a backend';
    problems.push(`${model.id}: got ${got}, expected ${wanted} for the engine ${model.engine}`);
  }
  return problems;
}

/** A fallback in the same pool would come back to the workers that could not answer. */
function strayFallbacks(models: readonly ModelEntry[]): string[] {
  return models.flatMap(({ id, pool, fallbacks }) =>
    fallbacks
      .filter((name, index) => name !== DEGRADED_MODEL || index < fallbacks.length - 1)
      .filter((name) => !models.some((other) => other.id === name && other.pool !== pool))
      .map(
        (name) =>
          `${id}.fallbacks: got "${name}", expected the id of a model of another pool, or ${DEGRADED_MODEL} at the end`,
      ),
  );
}

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  const name = issue.path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    '',
  );
  const got = issue.path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  const shown = got === undefined ? 'nothing' : JSON.stringify(got).slice(0, 60);
  return `${name.slice(1) || 'file'}: got ${shown}, expected ${issue.message}`;
}

function bad(path: string, problems: readonly string[]): StenoError {
  return new StenoError(
    'bad_catalogue',
    `model catalogue ${path}:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    {
      fix: 'correct the entries named above',
      facts: { problems: problems.length },
    },
  );
}

function sorted(model: ModelEntry): unknown {
  return Object.entries(model).sort(([a], [b]) => (a < b ? -1 : 1));
}
