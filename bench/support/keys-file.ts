import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A keys file with a key for each of some tenants. */
type KeysFile<Tenant extends string> = {
  readonly keys: Readonly<Record<Tenant, string>>;
  /** What the roles must be told to know them. */
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
};

/** A key that is limited so widely that it is never refused: all of its limits are looked at and counted. */
export type BenchKey = Omit<KeysFile<'bench'>, 'keys'> & {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
};

const WIDE = {
  requests_per_minute: 10_000_000,
  tokens_per_minute: 10_000_000_000,
  concurrent_streams: 100_000,
  spend_per_day: 1_000_000,
  spend_per_month: 1_000_000,
};

export async function writeBenchKey(): Promise<BenchKey> {
  const { keys, env, close } = await writeKeysFile(
    { bench: { limits: WIDE, user_limits: WIDE } },
    { limits: WIDE },
  );
  return { key: keys.bench, headers: bearer(keys.bench), env, close };
}

/** Writes a keys file with what it says of each tenant, and of every key. */
export async function writeKeysFile<Tenant extends string>(
  tenants: Readonly<Record<Tenant, object>>,
  ofKeys: object = {},
): Promise<KeysFile<Tenant>> {
  const folder = await mkdtemp(join(tmpdir(), 'steno-bench-keys-'));
  const file = join(folder, 'keys.json');
  const entries = Object.keys(tenants).map((tenant) => [tenant, `sk-${randomUUID()}`] as const);
  const digest = (key: string): string => createHash('sha256').update(key).digest('hex');
  const keys = entries.map(([tenant, key]) => [digest(key), { tenant, principal: 'bench', ...ofKeys }]);
  await writeFile(file, JSON.stringify({ keys: Object.fromEntries(keys) as object, tenants }));
  return {
    // Every tenant has its entry.
    keys: Object.fromEntries(entries) as Record<Tenant, string>,
    env: { STENO_KEYS_FILE: file },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

export function bearer(key: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${key}` };
}
