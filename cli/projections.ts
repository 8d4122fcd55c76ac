import { Command } from 'commander';
import { projections } from '../projections/catalogue.ts';
import type { ProjectionDefinition } from '../projections/projection.ts';
import { StenoError } from '../runtime/errors.ts';
import { onStopRequest } from './on-stop-request.ts';
import { wholeNumber } from './option-values.ts';
import { checkPartition } from './projections/check-partition.ts';
import { openInstallation, type OpenInstallation } from './projections/open-installation.ts';
import { rebuildInPlace } from './projections/rebuild-in-place.ts';
import { readProjections, renderList, renderStatus } from './projections/read-projections.ts';

const HELP = `
Broker and registry are those of a running "steno up" with the same STENO_DATA_DIR, or the configured ones. A rebuild
appends nothing and calls no model. It may run while the role runs, and goes on where it was killed.

Exit status of rebuild: 0 the rows in use were what the log says, 3 nothing runs, 4 they were not, 1 anything else.
`;

/** Exit status of a rebuild that found other rows in use than the log says. */
const DIFFERED = 4;

type RebuildOptions = { readonly partition?: number; readonly fresh: boolean; readonly threads?: number };

/** `steno projections`: the read models, how far they are, and how they are rebuilt. */
export function projectionsCommand(): Command {
  const command = new Command('projections').description('list the read models, or rebuild one from the log');
  command.addHelpText('after', HELP);
  command
    .command('list')
    .description('name, version, topic and rows of every read model')
    .option('--json', 'the same for programs', false)
    .action(async ({ json }: { json: boolean }) =>
      withInstallation(async (installation) => {
        const found = await readProjections(installation, false);
        print(json ? JSON.stringify(found, null, 2) : renderList(found));
      }),
    );
  command
    .command('status')
    .description('position, end and lag of every read model')
    .option('--hash', 'also the state hash, which reads every row', false)
    .option('--json', 'the same for programs', false)
    .action(async ({ hash, json }: { hash: boolean; json: boolean }) =>
      withInstallation(async (installation) => {
        const found = await readProjections(installation, hash);
        print(json ? JSON.stringify(found, null, 2) : renderStatus(found));
      }),
    );
  command
    .command('rebuild')
    .description(
      'fold a read model anew from the log, compare it with the one in use, and put it in its place',
    )
    .argument('<name>')
    .option('--partition <n>', 'fold and compare this partition alone; replaces nothing', wholeNumber(0))
    .option('--fresh', 'do not go on with a rebuild that was cut short', false)
    .option('--threads <n>', 'threads that fold', wholeNumber(1))
    .action(async (name: string, options: RebuildOptions) => {
      const definition = find(name);
      await withInstallation(async (installation, signal) => {
        const differed =
          options.partition === undefined
            ? await rebuildInPlace(installation, definition, { ...options, signal, say })
            : await checkPartition(installation, definition, options.partition, { signal, say });
        if (differed) process.exitCode = DIFFERED;
      });
    });
  return command;
}

function find(name: string): ProjectionDefinition {
  const found = projections.find((definition) => definition.name === name);
  if (found !== undefined) return found;
  throw new StenoError('no_projection', `there is no projection "${name}"`, {
    fix: `it is one of ${projections.map((definition) => definition.name).join(', ')}`,
  });
}

async function withInstallation(
  work: (installation: OpenInstallation, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  onStopRequest(() => abort.abort(new StenoError('stopped', 'stopped; the same command goes on from here')));
  const installation = await openInstallation();
  try {
    await work(installation, abort.signal);
  } finally {
    await installation.events.log.close();
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
