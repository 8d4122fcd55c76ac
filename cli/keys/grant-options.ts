import { InvalidArgumentError, Option, type Command } from 'commander';
import { configuredModels } from '../../inference-workers/models/configured-models.ts';
import { directoryOf } from '../../gateway/models.ts';
import type { Grants } from '../../policies/identity/grants.ts';
import { parseConfig } from '../../runtime/config.ts';
import { processEnvironment } from '../../runtime/environment.ts';
import { StenoError } from '../../runtime/errors.ts';
import { SUBSCRIBABLE } from '../../streams/topics.ts';

export type GrantFlags = {
  readonly role: Exclude<Grants['role'], 'OTHER'>;
  readonly model?: readonly string[];
  readonly route?: readonly string[];
  readonly topic?: readonly string[];
};

/** Adds the options that say what a key is good for. */
export function grantOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--role <role>',
        'user chats and sees its own; auditor reads all of the tenant; admin manages the tenant’s keys and limits; operator every tenant’s',
      )
        .choices(['user', 'auditor', 'admin', 'operator'])
        .default('user'),
    )
    .option('--model <name>', 'a model that it may name; may be given again; all if left out', collect)
    .option(
      '--route <path>',
      'a path that it may call, a star at the end for all that begin so; may be given again; all if left out',
      collectRoutes,
    )
    .addOption(
      new Option(
        '--topic <name>',
        'a topic whose events of the whole tenant it may subscribe to; may be given again; those of its role if left out',
      ).argParser(collectTopics),
    );
}

/** Returns what the options say. Throws StenoError `model_not_found` for a model that the catalogue has not. */
export async function grantsOf({ role, model, route, topic }: GrantFlags): Promise<Grants> {
  const models = model === undefined ? null : await idsOf(model);
  return { role, models, routes: route ?? null, topics: topic ?? null };
}

/** Writes what a key is good for as a person reads it. */
export function grantsText({ role, models, routes, topics }: Grants): string {
  const named = (what: string, names: readonly string[] | null): readonly string[] =>
    names === null ? [] : [`${what} ${names.join(' ')}`];
  return [role, ...named('models', models), ...named('topics', topics), ...(routes ?? [])].join(' ');
}

async function idsOf(names: readonly string[]): Promise<readonly string[]> {
  const { catalogue, defaultModel } = await configuredModels(parseConfig(processEnvironment()));
  const directory = directoryOf(catalogue.models, defaultModel, catalogue.demoAliases);
  return names.map((name) => {
    const found = directory.resolve(name);
    if (found !== null) return found.id;
    throw new StenoError('model_not_found', `no model is called ${name}`, { fix: 'see steno models list' });
  });
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function collectRoutes(value: string, before: readonly string[] = []): readonly string[] {
  if (!/^\/[\w{}/.-]*\*?$/.test(value))
    throw new InvalidArgumentError('It must be a path such as /v1/chat or /v1/responses*.');
  return collect(value, before);
}

function collectTopics(value: string, before: readonly string[] = []): readonly string[] {
  if (!(SUBSCRIBABLE as readonly string[]).includes(value))
    throw new InvalidArgumentError(`It must be one of ${SUBSCRIBABLE.join(', ')}.`);
  return collect(value, before);
}
