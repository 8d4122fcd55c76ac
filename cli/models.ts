import { Command } from 'commander';
import { findModel, type ModelEntry } from '../inference-workers/models/catalogue.ts';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { fetchModel } from '../inference-workers/models/fetch-model.ts';
import { namedModel } from '../inference-workers/models/named-model.ts';
import { parseConfig, type Config } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { modelsDir } from '../inference-workers/models/models-dir.ts';
import { compareCommand } from './models/compare.ts';
import { findModelFile } from './models/find-model-file.ts';
import { createTerminalProgress } from './terminal-progress.ts';

const HELP = `
In the list * marks the default model; "here" or "to be fetched" says where its file is.

Examples:
  $ steno models list
  $ steno models fetch
  $ steno models fetch owner/name/file.gguf
  $ steno models compare default scripted

Exit status: 0 done, 1 failed, 2 wrong usage.
`;

/** `steno models`: list, fetch and compare. */
export function modelsCommand(): Command {
  const command = new Command('models').description(
    'show the model catalogue, fetch a model ahead of time, compare two',
  );
  command.addHelpText('after', HELP);
  command.command('list').description('models of the catalogue').action(list);
  command
    .command('fetch')
    .description('fetch and verify the file of a model; prints its path')
    .argument(
      '[model]',
      'id or alias, a .gguf file, or owner/name/file.gguf of the hub; the default model if left out',
    )
    .action(fetchOne);
  command.addCommand(compareCommand());
  return command;
}

async function list(): Promise<void> {
  const config = parseConfig(processEnvironment());
  const { catalogue, defaultModel } = await configuredModels(config);
  for (const model of catalogue.models) {
    const { id, pool, engine, contextLength, sizeBytes } = model;
    const size = sizeBytes === null ? '' : `${Math.round(sizeBytes / 1e6)} MB`;
    const mark = id === defaultModel.id ? '*' : ' ';
    const columns = [
      id.padEnd(32),
      pool.padEnd(12),
      engine.padEnd(12),
      `${contextLength} tokens`.padEnd(16),
      size.padEnd(8),
      await whereIs(model, config),
    ];
    process.stdout.write(`${mark} ${columns.join(' ').trimEnd()}\n`);
  }
}

async function whereIs(model: ModelEntry, config: Config): Promise<string> {
  if (model.fileName === null) return 'no file needed';
  return (await findModelFile(model, config)) === null ? 'to be fetched' : 'here';
}

async function fetchOne(name: string | undefined): Promise<void> {
  const config = parseConfig(processEnvironment());
  const { catalogue, defaultModel } = await configuredModels(config);
  const model =
    name === undefined
      ? defaultModel
      : (findModel(catalogue, name) ?? (await namedModel(name, config.openaiBaseUrl)));
  const progress = createTerminalProgress(process.stderr);
  const path = await fetchModel(model, { cacheDir: modelsDir(config), progress });
  process.stdout.write(`${path ?? `${model.id} needs no file`}\n`);
}
