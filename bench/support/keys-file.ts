import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key that is limited so widely that it is never refused: all of its limits are looked at and counted. */
export type BenchKey = {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the roles must be told to know it. */
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
};

const WIDE = {
  requests_per_minute: 10_000_000,
  tokens_per_minute: 10_000_000_000,
  concurrent_streams: 100_000,
  spend_per_day: 1_000_000,
  spend_per_month: 1_000_000,
};

export async function writeBenchKey(): Promise<BenchKey> {
  const folder = await mkdtemp(join(tmpdir(), 'steno-bench-keys-'));
  const file = join(folder, 'keys.json');
  const key = `sk-${randomUUID()}`;
  const digest = createHash('sha256').update(key).digest('hex');
  const owner = { tenant: 'bench', principal: 'bench', limits: WIDE };
  const tenants = { bench: { limits: WIDE, user_limits: WIDE } };
  await writeFile(file, JSON.stringify({ keys: { [digest]: owner }, tenants }));
  return {
    key,
    headers: { authorization: `Bearer ${key}` },
    env: { STENO_KEYS_FILE: file },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
