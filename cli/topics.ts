import { Command } from 'commander';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { applyTopics, describePlan, readPlan, type TopicsOptions } from '../infra/topics/apply.ts';
import { parseConfig, type Config } from '../runtime/config.ts';
import { processEnvironment } from '../runtime/environment.ts';
import { clusterOf, findInstallation } from './installation.ts';
import { kafkaOptions } from './kafka-options.ts';
import { tailCommand } from './tail/command.ts';

const HELP = `
Broker and registry come from STENO_KAFKA_BROKERS and STENO_REGISTRY_URL; what is not set there is
taken from a running "steno up" with the same STENO_DATA_DIR.

Examples:
  $ steno topics plan
  $ steno topics apply
  $ steno topics tail conversations

Exit status of plan: 0 nothing to do, 3 changes pending, 1 an error or a change that apply refuses.
`;

/** `steno topics plan` and `steno topics apply`: broker topics and registry subjects as the catalogue says. */
export function topicsCommand(): Command {
  const command = new Command('topics').description(
    'read the topics; compare or make topics and schemas of this version',
  );
  command.addHelpText('after', HELP);
  command.addCommand(tailCommand());
  command.command('plan').description('print what apply would do; changes nothing').action(plan);
  command.command('apply').description('create topics, set their configs, register schemas').action(apply);
  return command;
}

async function plan(): Promise<void> {
  const found = await readPlan(await optionsOf(parseConfig(processEnvironment())));
  const lines = describePlan(found);
  for (const line of lines) print(line);
  if (found.topics.some(({ kind }) => kind === 'refuse')) {
    process.exitCode = 1;
    return;
  }
  print(lines.length === 0 ? 'nothing to do' : `${lines.length} changes pending: run steno topics apply`);
  if (lines.length > 0) process.exitCode = 3;
}

async function apply(): Promise<void> {
  const config = parseConfig(processEnvironment());
  let changes = 0;
  await applyTopics({
    ...(await optionsOf(config)),
    replication: config.replication,
    onLine(text) {
      changes += 1;
      print(text);
    },
  });
  print(changes === 0 ? 'nothing to do' : `${changes} changes made`);
}

async function optionsOf(config: Config): Promise<TopicsOptions> {
  const installation = await findInstallation(config);
  const { brokers, registryUrl } = clusterOf(installation);
  return {
    kafka: kafkaOptions(installation.config, brokers),
    registryUrl,
    registryAuth: config.registry.auth,
    prefix: config.topicPrefix,
    pools: (await configuredModels(config)).pools,
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
