import { Command, CommanderError } from 'commander';
import { processEnvironment } from '../runtime/environment.ts';
import { readVersion } from '../runtime/version.ts';
import { describeError } from './describe-error.ts';
import { listRoles, run } from './run.ts';

/** Subcommands load their programs when they are called: `--help` needs no Kafka client. */
async function createProgram(wanted: string | undefined): Promise<Command> {
  const program = new Command('steno')
    .description('event-sourced production platform for LLM chat')
    .version(readVersion())
    .showHelpAfterError()
    .exitOverride();
  program
    .command('up')
    .description('start everything on this machine: broker, registry, model and all roles')
    // What a stopped start still had under way ends with the process.
    .action(async () => process.exit(await (await import('./up.ts')).up()));
  program
    .command('run')
    .description('start one role: what a container runs')
    .argument('<role>')
    .addHelpText('after', () => `\nRoles:\n${listRoles()}`)
    .action(async (role: string) => setExitCode(await run(role)));
  program
    .command('status')
    .description('addresses, health, lag and disk of what runs; exit status 0 healthy, 1 not, 3 not running')
    .option('--json', 'the same for programs', false)
    .action(async ({ json }: { json: boolean }) =>
      setExitCode(await (await import('./status.ts')).status({ json })),
    );
  program.addCommand(
    wanted === 'topics'
      ? (await import('./topics.ts')).topicsCommand()
      : new Command('topics').description('compare or make the topics and schemas of this version'),
  );
  program.addCommand(
    wanted === 'models'
      ? (await import('./models.ts')).modelsCommand()
      : new Command('models').description('show the model catalogue, or fetch a model ahead of time'),
  );
  for (const command of program.commands) inheritSettings(command, program);
  return program;
}

/** Commands that are added ready-made take over nothing by themselves. */
function inheritSettings(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const inner of command.commands) inheritSettings(inner, command);
}

function setExitCode(code: number | undefined): void {
  if (code !== undefined) process.exitCode = code;
}

async function main(parameters: readonly string[]): Promise<void> {
  try {
    const wanted = parameters.find((parameter) => !parameter.startsWith('-') && parameter !== 'help');
    await (await createProgram(wanted)).parseAsync(parameters, { from: 'user' });
  } catch (error) {
    // The command line's own parser has said what is wrong, with the usage.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else report(error);
  }
}

function report(error: unknown): void {
  process.stderr.write(`${describeError(error)}\n`);
  if (processEnvironment()['LOG_LEVEL'] === 'debug' && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
  }
  process.exit(1);
}

await main(process.argv.slice(2));
