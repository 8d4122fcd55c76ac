import { Command } from 'commander';
import { findModel } from '../inference-workers/models/catalogue.ts';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { fetchModel } from '../inference-workers/models/fetch-model.ts';
import { namedModel } from '../inference-workers/models/named-model.ts';
import { parseConfig } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { modelsDir } from '../inference-workers/models/models-dir.ts';
import { createTerminalProgress } from './terminal-progress.ts';

/** `steno models list` and `steno models fetch`. */
export function modelsCommand(): Command {
  const command = new Command('models').description(
    'show the model catalogue, or fetch a model ahead of time',
  );
  command.command('list').description('models of the catalogue').action(list);
  command
    .command('fetch')
    .description('fetch and verify the file of a model; prints its path')
    .argument(
      '[model]',
      'id or alias, a .gguf file, or owner/name/file.gguf of the hub; the default model if left out',
    )
    .action(fetchOne);
  return command;
}

async function list(): Promise<void> {
  const { catalogue, defaultModel } = await configuredModels(parseConfig(processEnvironment()));
  for (const { id, pool, engine, contextLength, sizeBytes } of catalogue.models) {
    const size = sizeBytes === null ? '' : `${Math.round(sizeBytes / 1e6)} MB`;
    const mark = id === defaultModel.id ? '*' : ' ';
    const columns = [
      id.padEnd(32),
      pool.padEnd(12),
      engine.padEnd(12),
      `${contextLength} tokens`.padEnd(16),
      size,
    ];
    process.stdout.write(`${mark} ${columns.join(' ').trimEnd()}\n`);
  }
}

async function fetchOne(name: string | undefined): Promise<void> {
  const config = parseConfig(processEnvironment());
  const { catalogue, defaultModel } = await configuredModels(config);
  const model = name === undefined ? defaultModel : (findModel(catalogue, name) ?? (await namedModel(name)));
  const progress = createTerminalProgress(process.stderr);
  const path = await fetchModel(model, { cacheDir: modelsDir(config), progress });
  process.stdout.write(`${path ?? `${model.id} needs no file`}\n`);
}
