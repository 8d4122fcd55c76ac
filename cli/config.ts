import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { z } from 'zod';
import {
  changeOf,
  entryJson,
  openConfiguration,
  rollbackOf,
  type Configuration,
  type ConfigOrder,
} from '../gateway/routing/configuration.ts';
import { checkRoutes, routesDocument } from '../gateway/routing/routes-schema.ts';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { errorMessage, StenoError } from '../runtime/errors.ts';
import { datasets } from '../streams/topics.ts';
import { changeText, differenceText } from './config/render-config.ts';
import { withInstalledLog, type InstalledLog } from './installed-log.ts';

const HELP = `
Routes are names that messages may use as their model, with the model that answers, what it is told before every message,
and a canary that is tried on some conversations and taken back by itself where it does badly:

  {"routes": {"chat": {
    "model": "smollm2-135m-instruct",
    "instructions": "You are the assistant of Example Ltd.",
    "canary": {"model": "larger", "percent": 5, "maxErrorRate": 0.1, "maxFirstTokenMs": 2000, "minTurns": 20}
  }}}

"set" and "rollback" print what would be different and change nothing without --execute. Every gateway follows a change
at once. The models themselves are those of STENO_MODELS_FILE: their versions are recorded when a gateway starts, and
"show" prints any of them to put back into the file.

Examples:
  $ steno config set routes.json --reason "five in a hundred for larger" --execute
  $ steno config history
  $ steno config rollback --execute
  $ steno config show --kind models 3f2a > models.json

Exit status: 0 done; 1 failed, refused, or somebody else was faster; 2 wrong usage; 3 nothing runs.
`;

type Kind = 'routes' | 'models';
type Opened = InstalledLog & { readonly configuration: Configuration };
type ChangeFlags = { readonly execute: boolean; readonly reason?: string };

/** `steno config`: what decides where messages go, and who changed it. */
export function configCommand(): Command {
  const command = new Command('config').description(
    'show, set and roll back routes; show what was changed, and by whom',
  );
  command.addHelpText('after', HELP);
  const kind = (): Option => new Option('--kind <kind>', 'which configuration').choices(['routes', 'models']);
  command
    .command('show')
    .description('print a version as JSON: the one that holds if none is named')
    .argument('[version]', 'its first digits')
    .addOption(kind().default('routes'))
    .action(show);
  command
    .command('history')
    .description('every change with its differences, the oldest first')
    .addOption(kind())
    .option('--json', 'one JSON object per line', false)
    .action(history);
  const changing = (name: string, text: string): Command =>
    command
      .command(name)
      .description(text)
      .option('--execute', 'do it; else only show what would be different', false)
      .option('--reason <text>', 'why, for the record');
  changing('set', 'replace the routes by those of a file').argument('<file>', 'JSON').action(set);
  changing('rollback', 'put routes in force again that held before')
    .argument('[version]', 'its first digits; the version before if left out')
    .action(rollback);
  return command;
}

async function show(version: string | undefined, { kind }: { kind: Kind }): Promise<void> {
  await withConfiguration(async ({ configuration: { history: known } }) => {
    const all = known
      .entries()
      .filter((entry) => entry.kind === kind && entry.version.startsWith(version ?? ''));
    const found = version === undefined ? known.current(kind) : (all.at(-1) ?? null);
    if (found === null) {
      const what = version === undefined ? `no ${kind} are recorded yet` : `there is no version ${version}`;
      throw new StenoError('not_found', what, { fix: 'steno config history lists them' });
    }
    print(JSON.stringify(fileOf(kind, JSON.parse(found.document)), null, 2));
  });
}

/** A catalogue is recorded by id, and its file is a list. */
function fileOf(kind: Kind, document: unknown): unknown {
  if (kind === 'routes') return document;
  const { models, demoAliases } = z
    .object({ models: z.record(z.string(), z.unknown()), demoAliases: z.array(z.string()) })
    .parse(document);
  return { models: Object.values(models), demoAliases };
}

async function history({ kind, json }: { kind?: Kind; json: boolean }): Promise<void> {
  await withConfiguration(async ({ configuration }) => {
    const found = configuration.history
      .entries()
      .filter((entry) => kind === undefined || entry.kind === kind);
    for (const entry of found) print(json ? JSON.stringify(entryJson(entry)) : changeText(entry));
  });
}

async function set(file: string, flags: ChangeFlags): Promise<void> {
  const { routes } = await readRoutesFile(file);
  await withConfiguration(async (open) => {
    const { catalogue } = await configuredModels(open.config);
    checkRoutes(routes, catalogue.models);
    const { actor } = open;
    await change(open, { kind: 'routes', document: { routes }, actor, reason: flags.reason ?? 'set' }, flags);
  });
}

async function rollback(version: string | undefined, flags: ChangeFlags): Promise<void> {
  await withConfiguration(async (open) => {
    const { history: known } = open.configuration;
    await change(open, rollbackOf(known, version ?? null, open.actor, flags.reason ?? null), flags);
  });
}

async function change(
  { configuration, producer }: Opened,
  order: ConfigOrder,
  { execute }: ChangeFlags,
): Promise<void> {
  if (execute) {
    const { version, changes } = await configuration.change(order);
    for (const difference of changes) print(differenceText(difference));
    process.stderr.write(`routes are of version ${version} now\n`);
    return;
  }
  for (const difference of changeOf(configuration.history, order, producer).changes)
    print(differenceText(difference));
  process.stderr.write('nothing was changed: repeat it with --execute\n');
}

async function readRoutesFile(file: string): Promise<z.infer<typeof routesDocument>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new StenoError('bad_routes', `${file}: ${errorMessage(error)}`, {
      fix: 'name a JSON file of routes',
    });
  }
  const parsed = routesDocument.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `  ${path.join('.') || 'file'}: ${message}`,
  );
  throw new StenoError('bad_routes', `${file}:\n${problems.join('\n')}`, {
    fix: 'correct what is named above',
  });
}

async function withConfiguration(work: (open: Opened) => Promise<void>): Promise<void> {
  await withInstalledLog(datasets.configuration, async (installed) => {
    const failures: unknown[] = [];
    const configuration = await openConfiguration({
      ...installed,
      onChange: () => undefined,
      onPoison: () => undefined,
      onFailure: (error) => failures.push(error),
    });
    try {
      await work({ ...installed, configuration });
    } finally {
      await configuration.stop();
    }
    if (failures.length > 0) throw failures[0];
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
