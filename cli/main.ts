import { Command, CommanderError } from 'commander';
import { processEnvironment } from '../runtime/environment.ts';
import { readVersion } from '../runtime/version.ts';
import { errorCode } from '../runtime/errors.ts';
import { describeError } from './describe-error.ts';
import { listRoles, run } from './run.ts';

/** Exit status of every command that needs what does not run. */
const NOT_RUNNING = 3;

const UP_HELP = `
Examples:
  $ steno up
  $ PORT=0 STENO_DATA_DIR=/tmp/steno steno up
  $ STENO_MODEL=/models/Qwen3-8B-Q4_K_M.gguf steno up

Exit status: 0 stopped in order, 1 failed, 2 wrong usage, 130 stopped while it started.
`;
const RUN_HELP = `
Example:
  $ STENO_KAFKA_BROKERS=kafka:9092 STENO_REGISTRY_URL=http://registry:8081 steno run gateway

Exit status: 0 stopped in order, 1 failed, 2 wrong usage.
`;
const STATUS_HELP = `
Examples:
  $ steno status
  $ steno status --json | jq .lag
`;

/** Commands that are built where they are called: the list of all of them needs their names only. */
const loadedWhenWanted: readonly {
  readonly name: string;
  readonly description: string;
  readonly load: () => Promise<Command>;
}[] = [
  {
    name: 'ask',
    description: 'ask the running installation; the answer goes to stdout',
    load: async () => (await import('./ask.ts')).askCommand(),
  },
  {
    name: 'demo',
    description: 'play scripted conversations, marked as a demonstration; twice is the same as once',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  {
    name: 'topics',
    description: 'read the topics; compare or make topics and schemas of this version',
    load: async () => (await import('./topics.ts')).topicsCommand(),
  },
  {
    name: 'dead-letters',
    description: 'list the records that were set aside, look at one, give them to their group again',
    load: async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  },
  {
    name: 'explain',
    description: 'say why an answer is what it is: who asked, the exact prompt, what ran, what it cost',
    load: async () => (await import('./explain.ts')).explainCommand(),
  },
  {
    name: 'export',
    description: 'write a topic to files, by type and day: Parquet or JSON lines, with checksums',
    load: async () => (await import('./export.ts')).exportCommand(),
  },
  {
    name: 'training-set',
    description: 'answers that people judged, as examples to train and evaluate models with',
    load: async () => (await import('./training-set.ts')).trainingSetCommand(),
  },
  {
    name: 'reproduce',
    description: 'ask the same model the same again: reproduced, diverged at a token, or why it cannot be',
    load: async () => (await import('./reproduce.ts')).reproduceCommand(),
  },
  {
    name: 'context',
    description: 'what the next prompt of a conversation holds, now or as of a time',
    load: async () => (await import('./context.ts')).contextCommand(),
  },
  {
    name: 'fork',
    description: 'begin a conversation with what another one held, now or at a time, and ask it something',
    load: async () => (await import('./fork.ts')).forkCommand(),
  },
  {
    name: 'replay',
    description: 'tell again from the log what happened; no model is called',
    load: async () => (await import('./replay.ts')).replayCommand(),
  },
  {
    name: 'audit',
    description: 'verify that nothing of the record was changed; who looked at it',
    load: async () => (await import('./audit.ts')).auditCommand(),
  },
  {
    name: 'evidence',
    description: 'write what the log has of an answer, with proofs that anybody can check',
    load: async () => (await import('./evidence.ts')).evidenceCommand(),
  },
  {
    name: 'keys',
    description: 'make, list, rotate and revoke API keys',
    load: async () => (await import('./keys.ts')).keysCommand(),
  },
  {
    name: 'tenants',
    description: 'list tenants, set what they and their users may use',
    load: async () => (await import('./tenants.ts')).tenantsCommand(),
  },
  {
    name: 'config',
    description: 'show, set and roll back routes; show what was changed, and by whom',
    load: async () => (await import('./config.ts')).configCommand(),
  },
  {
    name: 'doctor',
    description: 'check what this machine and this installation need, one line each',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  {
    name: 'projections',
    description: 'list the read models, or rebuild one from the log',
    load: async () => (await import('./projections.ts')).projectionsCommand(),
  },
  {
    name: 'models',
    description: 'show the model catalogue, fetch a model ahead of time, compare two',
    load: async () => (await import('./models.ts')).modelsCommand(),
  },
];

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
    .addHelpText('after', UP_HELP)
    // What a stopped start still had under way ends with the process.
    .action(async () => process.exit(await (await import('./up.ts')).up()));
  program
    .command('run')
    .description('start one role: what a container runs')
    .argument('<role>')
    .addHelpText('after', () => `\nRoles:\n${listRoles()}\n${RUN_HELP}`)
    .action(async (role: string) => setExitCode(await run(role)));
  program
    .command('status')
    .description('addresses, health, lag and disk of what runs; exit status 0 healthy, 1 not, 3 not running')
    .option('--json', 'the same for programs', false)
    .addHelpText('after', STATUS_HELP)
    .action(async ({ json }: { json: boolean }) =>
      setExitCode(await (await import('./status.ts')).status({ json })),
    );
  for (const { name, description, load } of loadedWhenWanted) {
    program.addCommand(wanted === name ? await load() : new Command(name).description(description));
  }
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
  process.exit(errorCode(error) === 'not_running' ? NOT_RUNNING : 1);
}

await main(process.argv.slice(2));
