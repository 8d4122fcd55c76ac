import { Command } from 'commander';
import { changeTenant } from '../gateway/identity/change-identities.ts';
import { limitOptions, limitsOf, limitsText, type LimitFlags } from './keys/limit-options.ts';
import { withIdentities } from './keys/open-identities.ts';
import { plainName } from './option-values.ts';

const HELP = `
"set" replaces what was set before: an option that is left out is no limit. With --each-user the limits are those of
every user of the tenant, else of all of them together; the other kind stays as it is.

Examples:
  $ steno tenants set acme --tokens-per-minute 200000 --spend-per-month 500
  $ steno tenants set acme --each-user --spend-per-day 2
  $ steno tenants list

Exit status: 0 done; 1 failed or refused; 2 wrong usage; 3 nothing runs.
`;

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
  return command;
}

async function list({ json }: { json: boolean }): Promise<void> {
  await withIdentities(({ directory }) => {
    const inForce = [...directory.keys.values()].filter(({ revoked }) => revoked === null);
    const names = new Set([...directory.tenants.keys(), ...inForce.map(({ tenantId }) => tenantId)]);
    const found = [...names].sort().map((tenantId) => {
      const { limits = null, userLimits = null } = directory.tenants.get(tenantId) ?? {};
      const keys = inForce.filter((key) => key.tenantId === tenantId).length;
      return { tenantId, limits, userLimits, keys };
    });
    if (json) return print(JSON.stringify(found));
    for (const { tenantId, limits, userLimits, keys } of found)
      print(`${tenantId}  ${limitsText(limits)}  each user: ${limitsText(userLimits)}  keys: ${keys}`);
  });
}

async function set(tenantId: string, { eachUser, ...flags }: SetFlags): Promise<void> {
  await withIdentities(async (open) => {
    const before = open.directory.tenants.get(tenantId);
    const given = limitsOf(flags);
    const limits = eachUser ? (before?.limits ?? null) : given;
    const userLimits = eachUser ? given : (before?.userLimits ?? null);
    await changeTenant(open, open.actor, { tenantId, limits, userLimits });
    process.stderr.write(`${tenantId}: ${limitsText(limits)}; each user: ${limitsText(userLimits)}\n`);
  });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
