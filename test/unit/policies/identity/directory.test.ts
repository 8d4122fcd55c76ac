import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDirectory } from '../../../../policies/identity/directory.ts';
import { ORDINARY } from '../../../../policies/identity/grants.ts';
import type { EventMap } from '../../../../schemas/generated/types.ts';

const base = {
  ...{ eventId: 'e', occurredAt: 1, causationId: 'c', correlationId: 'c', actor: 'cli:ann' },
  ...{ producer: { service: 'test', version: '1' }, tenantId: 'acme' },
};

function issued(fields: Partial<EventMap['ApiKeyIssued']> = {}, time = 10) {
  const data = {
    ...{ ...base, keyId: 'k1', principal: 'alice', mac: 'm', limits: null, replaces: null },
    ...ORDINARY,
    ...fields,
  };
  return { type: 'ApiKeyIssued' as const, data, time };
}

function revoked(fields: Partial<EventMap['ApiKeyRevoked']> = {}, time = 20) {
  return { type: 'ApiKeyRevoked' as const, data: { ...base, keyId: 'k1', graceMillis: 0, ...fields }, time };
}

test('a key is issued once: a later event under its id changes nothing', () => {
  const directory = createDirectory();
  directory.apply(issued());
  directory.apply(issued({ tenantId: 'other', mac: 'x' }, 11));
  assert.equal(directory.keys.get('k1')?.tenantId, 'acme');
  assert.equal(directory.keys.get('k1')?.mac, 'm');
});

test('a key is withdrawn by its own tenant, the first time for good', () => {
  const directory = createDirectory();
  directory.apply(revoked());
  directory.apply(issued());
  directory.apply(revoked({ tenantId: 'other' }));
  assert.equal(directory.keys.get('k1')?.revoked, null);
  directory.apply(revoked());
  directory.apply(revoked({}, 30));
  assert.deepEqual(directory.keys.get('k1')?.revoked, { at: 20, graceMillis: 0 });
});

test('a grace may be cut short and is never made longer', () => {
  const directory = createDirectory();
  directory.apply(issued());
  directory.apply(revoked({ graceMillis: 1_000 }, 20));
  directory.apply(revoked({ graceMillis: 5_000 }, 30));
  assert.deepEqual(directory.keys.get('k1')?.revoked, { at: 20, graceMillis: 1_000 });
  directory.apply(revoked({ graceMillis: 0 }, 40));
  assert.deepEqual(directory.keys.get('k1')?.revoked, { at: 40, graceMillis: 0 });
});

test('what a tenant may use is what was said last', () => {
  const directory = createDirectory();
  const limits = { requestsPerMinute: 1, tokensPerMinute: null, concurrentStreams: null };
  const guards = { redactBeforeRecord: ['card' as const], redactBeforeModel: [] };
  const more = { ...limits, spendPerDayNanos: null, spendPerMonthNanos: null };
  for (const next of [more, null])
    directory.apply({
      type: 'TenantChanged',
      data: { ...base, limits: next, userLimits: more, guards },
      time: 1,
    });
  assert.deepEqual(directory.tenants.get('acme'), {
    tenantId: 'acme',
    limits: null,
    userLimits: more,
    guards,
  });
});
