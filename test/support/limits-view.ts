import assert from 'node:assert/strict';

/** The first of a caller's scopes, as GET /v1/limits shows it. */
export type LimitsView = {
  readonly scope: string;
  readonly requests_per_minute: { used: number } | null;
  readonly tokens_per_minute: { used: number } | null;
  readonly concurrent_streams: { used: number } | null;
  readonly spend_per_day: { used: number; limit: number } | null;
  readonly reserved: number;
};

/** Throws where the caller has no limits. */
export async function limitsAt(url: string, key: string): Promise<LimitsView> {
  const response = await fetch(`${url}/v1/limits`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal(response.status, 200);
  // The shape is what is tested.
  const { scopes } = (await response.json()) as { scopes: LimitsView[] };
  const [scope] = scopes;
  assert.ok(scope !== undefined, `${key} has no limits`);
  return scope;
}
