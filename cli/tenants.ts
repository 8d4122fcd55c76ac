import { Command, InvalidArgumentError } from 'commander';
import { changeTenant } from '../gateway/identity/change-identities.ts';
import { PERSONAL_KINDS } from '../policies/personal-data/recognise.ts';
import type { Guards, PersonalKind } from '../schemas/generated/types.ts';
import { limitOptions, limitsOf, limitsText, type LimitFlags } from './keys/limit-options.ts';
import { withIdentities } from './keys/open-identities.ts';
import { plainName } from './option-values.ts';

const HELP = `
"set" replaces what was set before: an option that is left out is no limit. With --each-user the limits are those of
every user of the tenant, else of all of them together; the other kind stays as it is. "guard" replaces what was set
before as well; without options nothing is kept out. Kinds: ${PERSONAL_KINDS.join(', ')}.

Examples:
  $ steno tenants set acme --tokens-per-minute 200000 --spend-per-month 500
  $ steno tenants set acme --each-user --spend-per-day 2
  $ steno tenants guard acme --before-record card,key --before-model email,phone
  $ steno tenants list

Exit status: 0 done; 1 failed or refused; 2 wrong usage; 3 nothing runs.
`;

type GuardFlags = {
  readonly beforeRecord: readonly PersonalKind[];
  readonly beforeModel: readonly PersonalKind[];
};
type SetFlags = LimitFlags & { readonly eachUser: boolean };

/** `steno tenants`: what tenants may use. */
export function tenantsCommand(): Command {
  const command = new Command('tenants').description('list tenants, set what they and their users may use');
  command.addHelpText('after', HELP);
  command
    .command('list')
    .description('one line each: name, limits, limits of each user, keys in force')
    .option('--json', 'the same for programs', false)
    .action(list);
  limitOptions(
    command
      .command('set')
      .description('set what a tenant may use')
      .argument('<tenant>', '', plainName)
      .option('--each-user', 'limits of every user instead of all together', false),
  ).action(set);
  command
    .command('guard')
    .description('set what personal data is kept out of the texts of a tenant')
    .argument('<tenant>', '', plainName)
    .option('--before-record <kinds>', 'what neither the log nor a model sees', kinds, [])
    .option('--before-model <kinds>', 'what the log keeps and no model sees', kinds, [])
    .action(guard);
  return command;
}

async function list({ json }: { json: boolean }): Promise<void> {
  await withIdentities(({ directory }) => {
    const inForce = [...directory.keys.values()].filter(({ revoked }) => revoked === null);
    const names = new Set([...directory.tenants.keys(), ...inForce.map(({ tenantId }) => tenantId)]);
    const found = [...names].sort().map((tenantId) => {
      const { limits = null, userLimits = null, guards = null } = directory.tenants.get(tenantId) ?? {};
      const keys = inForce.filter((key) => key.tenantId === tenantId).length;
      return { tenantId, limits, userLimits, guards, keys };
    });
    if (json) return print(JSON.stringify(found));
    for (const { tenantId, limits, userLimits, guards, keys } of found) {
      const allowed = `${limitsText(limits)}  each user: ${limitsText(userLimits)}`;
      print(`${tenantId}  ${allowed}  guards: ${guardsText(guards)}  keys: ${keys}`);
    }
  });
}

async function set(tenantId: string, { eachUser, ...flags }: SetFlags): Promise<void> {
  await withIdentities(async (open) => {
    const before = open.directory.tenants.get(tenantId);
    const given = limitsOf(flags);
    const limits = eachUser ? (before?.limits ?? null) : given;
    const userLimits = eachUser ? given : (before?.userLimits ?? null);
    const guards = before?.guards ?? null;
    await changeTenant(open, open.actor, { tenantId, limits, userLimits, guards });
    process.stderr.write(`${tenantId}: ${limitsText(limits)}; each user: ${limitsText(userLimits)}\n`);
  });
}

async function guard(tenantId: string, { beforeRecord, beforeModel }: GuardFlags): Promise<void> {
  await withIdentities(async (open) => {
    const { limits = null, userLimits = null } = open.directory.tenants.get(tenantId) ?? {};
    const guards = { redactBeforeRecord: beforeRecord, redactBeforeModel: beforeModel };
    await changeTenant(open, open.actor, { tenantId, limits, userLimits, guards });
    process.stderr.write(`${tenantId}: ${guardsText(guards)}\n`);
  });
}

function guardsText(guards: Guards | null): string {
  if (guards === null) return '-';
  const { redactBeforeRecord: record, redactBeforeModel: model } = guards;
  const parts = [
    ...(record.length === 0 ? [] : [`not recorded: ${record.join(', ')}`]),
    ...(model.length === 0 ? [] : [`not shown to models: ${model.join(', ')}`]),
  ];
  return parts.length === 0 ? 'none' : parts.join('; ');
}

/** Reads kinds of personal data, separated by commas. */
function kinds(text: string): readonly PersonalKind[] {
  return text.split(',').map((word) => {
    const found = PERSONAL_KINDS.find((kind) => kind === word.trim());
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It must be kinds of ${PERSONAL_KINDS.join(', ')}, separated by commas.`);
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
