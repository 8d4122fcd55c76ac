import { Command, InvalidArgumentError } from 'commander';
import type { KeyEntry } from '../policies/identity/directory.ts';
import { issueKey, keyNamed, revokeKey, rotateKey } from '../gateway/identity/change-identities.ts';
import { grantOptions, grantsOf, grantsText, type GrantFlags } from './keys/grant-options.ts';
import { limitOptions, limitsOf, limitsText, type LimitFlags } from './keys/limit-options.ts';
import { withIdentities } from './keys/open-identities.ts';
import { plainName } from './option-values.ts';

const HELP = `
Keys lie on the log as HMACs: a key is shown once, when it is made, alone on stdout. Every gateway knows a change within
seconds, and open connections of a key that is withdrawn end. On loopback a key is not needed unless STENO_AUTH=required.

Examples:
  $ key=$(steno keys create --tenant acme --principal alice --requests-per-minute 60)
  $ steno keys create --tenant acme --principal page --route '/v1/chat*' --model smollm2-135m-instruct
  $ steno keys create --tenant acme --principal audit --role auditor
  $ steno keys list --tenant acme
  $ steno keys rotate 3f2a… --grace 60
  $ steno keys revoke 3f2a…

Exit status: 0 done, also where it was done before; 1 failed or refused; 2 wrong usage; 3 nothing runs.
`;

type CreateFlags = LimitFlags &
  GrantFlags & {
    readonly tenant: string;
    readonly principal: string;
    readonly json: boolean;
  };
type ListFlags = { readonly tenant?: string; readonly json: boolean };
type RotateFlags = { readonly grace: number; readonly json: boolean };

/** `steno keys`: who may call. */
export function keysCommand(): Command {
  const command = new Command('keys').description('make, list, rotate and revoke API keys');
  command.addHelpText('after', HELP);
  limitOptions(
    grantOptions(
      command
        .command('create')
        .description('make a key and print it: it is never shown again')
        .requiredOption('--tenant <name>', 'whose data it reaches', plainName)
        .requiredOption('--principal <name>', 'who calls with it, within the tenant', plainName),
    ),
  )
    .option('--json', 'the same for programs', false)
    .action(create);
  command
    .command('list')
    .description(
      'one line each: id, tenant, principal, when and by whom it was made, role and what it may, limits, state',
    )
    .option('--tenant <name>', 'only those of this tenant', plainName)
    .option('--json', 'the same for programs', false)
    .action(list);
  command
    .command('rotate')
    .description('make a key in place of another, which goes on working for a while')
    .argument('<id>')
    .option('--grace <seconds>', 'how long the old one works', grace, 0)
    .option('--json', 'the same for programs', false)
    .action(rotate);
  command.command('revoke').description('withdraw a key at once').argument('<id>').action(revoke);
  return command;
}

async function create({ tenant, principal, json, ...flags }: CreateFlags): Promise<void> {
  await withIdentities(async (open) => {
    const [limits, grants] = [limitsOf(flags), await grantsOf(flags)];
    const order = { tenantId: tenant, principal, limits, grants, replaces: null };
    show(await issueKey(open, open.actor, order), json);
  });
}

async function list({ tenant, json }: ListFlags): Promise<void> {
  await withIdentities((open) => {
    const all = [...open.directory.keys.values()];
    const found = tenant === undefined ? all : all.filter(({ tenantId }) => tenantId === tenant);
    if (json) return print(JSON.stringify(found.map(({ mac: _, ...shown }) => shown)));
    for (const entry of found) print(lineOf(entry));
    process.stderr.write(`${found.length} ${found.length === 1 ? 'key' : 'keys'}\n`);
  });
}

async function rotate(id: string, flags: RotateFlags): Promise<void> {
  await withIdentities(async (open) => {
    show(await rotateKey(open, open.actor, keyNamed(open, id), flags.grace * 1000), flags.json);
  });
}

async function revoke(id: string): Promise<void> {
  await withIdentities(async (open) => {
    const found = keyNamed(open, id);
    if (found.revoked?.graceMillis === 0) return void process.stderr.write(`${id} was revoked before\n`);
    await revokeKey(open, open.actor, found, 0);
    process.stderr.write(`${id} is revoked\n`);
  });
}

function show({ keyId, key }: { readonly keyId: string; readonly key: string }, json: boolean): void {
  if (json) return print(JSON.stringify({ keyId, key }));
  process.stderr.write(`key ${keyId}, shown this once:\n`);
  print(key);
}

function lineOf(entry: KeyEntry): string {
  const { keyId, tenantId, principal, issuedAt, actor, grants, limits, revoked } = entry;
  const since = new Date(issuedAt).toISOString();
  return [
    keyId,
    tenantId,
    principal,
    since,
    actor,
    grantsText(grants),
    limitsText(limits),
    stateOf(revoked),
  ].join('  ');
}

function stateOf(revoked: KeyEntry['revoked']): string {
  if (revoked === null) return 'in force';
  return `revoked at ${new Date(revoked.at + revoked.graceMillis).toISOString()}`;
}

/** At most thirty days: a key that is replaced is not kept. */
function grace(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 30 * 86_400) return value;
  throw new InvalidArgumentError('It must be whole seconds, at most thirty days.');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
