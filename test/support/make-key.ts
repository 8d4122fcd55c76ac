import assert from 'node:assert/strict';
import { apiOf } from './api.ts';
import type { Platform } from './platform.ts';
import { startSteno } from './steno-command.ts';
import { until } from './until.ts';

/** Makes a key by command, as the first one is made; resolves to it once the gateway knows it. */
export async function makeKey(
  platform: Platform,
  tenant: string,
  principal: string,
  ...more: readonly string[]
): Promise<string> {
  const { code, stdout, stderr } = await startSteno(
    ['keys', 'create', '--tenant', tenant, '--principal', principal, ...more],
    { ...process.env, ...platform.env },
  ).ended;
  assert.equal(code, 0, stderr);
  const key = stdout.trim();
  const api = apiOf(platform.url(), key);
  // Every role may look at the status.
  await until('the key is known', async () => (await api.get('/status.json')).status === 200);
  return key;
}
