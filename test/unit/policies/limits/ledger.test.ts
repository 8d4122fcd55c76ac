import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLedger, type Ledger, type Reservation } from '../../../../policies/limits/ledger.ts';
import { scopesOf, unlimited } from '../../../../policies/limits/limits.ts';
import type { Limits } from '../../../../schemas/generated/types.ts';

const owner = { tenantId: 'acme', principal: 'alice', keyId: 'k1' };
const nothingSpent = () => ({ day: 0, month: 0 });

function scopes(limits: Partial<Limits>, kind: 'key' | 'user' | 'tenant' = 'tenant') {
  const none = { key: null, user: null, tenant: null };
  return scopesOf(owner, { ...none, [kind]: { ...unlimited, ...limits } });
}

function reservation(inferenceId: string, tokens = 100, nanos = 0): Reservation {
  return { ...owner, inferenceId, tokens, nanos };
}

function admitted(ledger: Ledger, limits: Partial<Limits>, id: string, tokens = 100, now = 0): boolean {
  return ledger.admit(scopes(limits), reservation(id, tokens), nothingSpent, now) === null;
}

test('a scope without limits is none', () => {
  assert.deepEqual(scopesOf(owner, { key: unlimited, user: null, tenant: unlimited }), []);
  const found = scopesOf(owner, {
    key: { ...unlimited, requestsPerMinute: 1 },
    user: { ...unlimited, requestsPerMinute: 1 },
    tenant: { ...unlimited, requestsPerMinute: 1 },
  });
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ['key', 'user', 'tenant'],
  );
  assert.equal(new Set(found.map(({ id }) => id)).size, 3);
  assert.equal(
    scopesOf({ ...owner, keyId: null }, { key: found[0]?.limits ?? null, user: null, tenant: null }).length,
    0,
  );
});

test('requests beyond the limit are told when to come again', () => {
  const ledger = createLedger();
  const limits = { requestsPerMinute: 2 };
  assert.ok(admitted(ledger, limits, 'i1'));
  assert.ok(admitted(ledger, limits, 'i2'));
  const refusal = ledger.admit(scopes(limits), reservation('i3'), nothingSpent, 0);
  assert.deepEqual([refusal?.limit, refusal?.waitMillis], ['requestsPerMinute', 30_000]);
  assert.ok(admitted(ledger, limits, 'i3', 100, 30_000));
});

test('the longest possible answer is reserved, and what it did not need is given back', () => {
  const ledger = createLedger();
  const limits = { tokensPerMinute: 1_000 };
  assert.ok(admitted(ledger, limits, 'i1', 800));
  assert.ok(!admitted(ledger, limits, 'i2', 300));
  ledger.settle('i1', { tokens: 50, nanos: 0 }, 0);
  assert.ok(!admitted(ledger, limits, 'i2', 300), 'while it runs, more may come');
  ledger.end('i1', true, 0);
  assert.ok(admitted(ledger, limits, 'i2', 300));
  assert.equal(ledger.headroom(scopes(limits), 0).tokens?.remaining, 650);
});

test('an answer that used more than was reserved is charged for all of it', () => {
  const ledger = createLedger();
  const limits = { tokensPerMinute: 1_000 };
  assert.ok(admitted(ledger, limits, 'i1', 100));
  ledger.settle('i1', { tokens: 900, nanos: 0 }, 0);
  ledger.end('i1', true, 0);
  assert.ok(!admitted(ledger, limits, 'i2', 200));
});

test('an end whose count is still to come frees the stream and keeps the tokens', () => {
  const ledger = createLedger();
  const limits = { tokensPerMinute: 1_000, concurrentStreams: 1 };
  assert.ok(admitted(ledger, limits, 'i1', 900));
  ledger.end('i1', false, 0);
  const refusal = ledger.admit(scopes(limits), reservation('i2', 500), nothingSpent, 0);
  assert.equal(refusal?.limit, 'tokensPerMinute');
  ledger.settle('i1', { tokens: 10, nanos: 0 }, 0);
  assert.ok(admitted(ledger, limits, 'i2', 500));
});

test('a count that never comes is not waited for for ever', () => {
  const ledger = createLedger();
  const limits = { tokensPerMinute: 1_000 };
  assert.ok(admitted(ledger, limits, 'i1', 900));
  ledger.count(scopes(limits), reservation('i1', 900), 0);
  ledger.end('i1', false, 0);
  ledger.sweep(5_000);
  assert.ok((ledger.headroom(scopes(limits), 5_000).tokens?.remaining ?? 0) < 200);
  ledger.sweep(11_000);
  assert.equal(ledger.headroom(scopes(limits), 11_000).tokens?.remaining, 1_000);
});

test('streams at once are counted until they end', () => {
  const ledger = createLedger();
  const limits = { concurrentStreams: 2 };
  assert.ok(admitted(ledger, limits, 'i1'));
  assert.ok(admitted(ledger, limits, 'i2'));
  assert.ok(!admitted(ledger, limits, 'i3'));
  ledger.end('i2', true, 0);
  assert.ok(admitted(ledger, limits, 'i3'));
});

test('what another gateway let in counts here, once, whichever word comes first', () => {
  const ledger = createLedger();
  const limits = { concurrentStreams: 1 };
  ledger.count(scopes(limits), reservation('elsewhere'), 0);
  ledger.count(scopes(limits), reservation('elsewhere'), 0);
  assert.ok(!admitted(ledger, limits, 'here'));
  ledger.end('elsewhere', true, 0);
  assert.ok(admitted(ledger, limits, 'here'));
  ledger.end('other', true, 0);
  ledger.count(scopes(limits), reservation('other'), 0);
  assert.ok(!admitted(ledger, { concurrentStreams: 1 }, 'next'));
  ledger.end('here', true, 0);
  assert.ok(admitted(ledger, limits, 'next'));
});

test('a count and an end that came before the word that it was let in are kept for it', () => {
  const ledger = createLedger();
  const limits = { tokensPerMinute: 1_000, concurrentStreams: 1 };
  ledger.settle('i1', { tokens: 30, nanos: 0 }, 0);
  ledger.end('i1', false, 0);
  ledger.count(scopes(limits), reservation('i1', 900), 0);
  assert.deepEqual(ledger.headroom(scopes(limits), 0).tokens?.remaining, 970);
  assert.ok(admitted(ledger, limits, 'i2', 900));
});

test('a message that is let in already is not counted again', () => {
  const ledger = createLedger();
  const limits = { requestsPerMinute: 1 };
  assert.ok(admitted(ledger, limits, 'i1'));
  assert.ok(admitted(ledger, limits, 'i1'));
  assert.ok(!admitted(ledger, limits, 'i2'));
});

test('money: what is spent and what is reserved together stay under the limit', () => {
  const ledger = createLedger();
  const limits = { spendPerDayNanos: 1_000, spendPerMonthNanos: 5_000 };
  const admit = (id: string, nanos: number, day: number, month: number) =>
    ledger.admit(scopes(limits), reservation(id, 0, nanos), () => ({ day, month }), 0);
  assert.equal(admit('i1', 400, 300, 300), null);
  const refusal = admit('i2', 400, 300, 300);
  assert.deepEqual([refusal?.limit, refusal?.waitMillis], ['spendPerDayNanos', null]);
  assert.equal(admit('i2', 300, 300, 300), null);
  assert.equal(admit('i3', 10, 0, 4_300)?.limit, 'spendPerMonthNanos');
  // Its cost is told by the read model from now on, and no longer reserved.
  ledger.settle('i1', { tokens: 0, nanos: 100 }, 0);
  ledger.end('i1', true, 0);
  assert.equal(admit('i3', 250, 400, 400), null);
});

test('what was never appended is forgotten after a minute, what was recorded is not', () => {
  const ledger = createLedger();
  const limits = { concurrentStreams: 2 };
  assert.ok(admitted(ledger, limits, 'unknown'));
  assert.ok(admitted(ledger, limits, 'recorded'));
  ledger.count(scopes(limits), reservation('recorded'), 0);
  ledger.sweep(61_000);
  assert.ok(admitted(ledger, limits, 'i3', 100, 61_000));
  assert.ok(!admitted(ledger, limits, 'i4', 100, 61_000));
});

test('a message that made no turn gives back its request', () => {
  const ledger = createLedger();
  const limits = { requestsPerMinute: 1, concurrentStreams: 1, tokensPerMinute: 100 };
  assert.ok(admitted(ledger, limits, 'i1'));
  ledger.withdraw('i1', 0);
  ledger.withdraw('i1', 0);
  assert.ok(admitted(ledger, limits, 'i2'));
});

test('a key without a limit of its own is held by its tenant’s', () => {
  const ledger = createLedger();
  const both = scopesOf(owner, {
    key: { ...unlimited, requestsPerMinute: 10 },
    user: null,
    tenant: { ...unlimited, requestsPerMinute: 1 },
  });
  assert.equal(ledger.admit(both, reservation('i1'), nothingSpent, 0), null);
  assert.equal(ledger.admit(both, reservation('i2'), nothingSpent, 0)?.scope.kind, 'tenant');
  assert.deepEqual(ledger.headroom(both, 0).requests, { limit: 1, remaining: 0, resetMillis: 60_000 });
});

test('whatever happens in whatever order, nothing stays in use once all has ended', () => {
  const step = fc.record({
    kind: fc.constantFrom('admit', 'count', 'settle', 'end', 'endUncounted', 'withdraw'),
    id: fc.integer({ min: 0, max: 5 }).map((number) => `i${number}`),
    amount: fc.integer({ min: 0, max: 500 }),
  });
  const limits = { requestsPerMinute: 5, tokensPerMinute: 500, concurrentStreams: 3, spendPerDayNanos: 900 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = createLedger();
      for (const { kind, id, amount } of steps) {
        const wanted = reservation(id, amount, amount);
        if (kind === 'admit') ledger.admit(scopes(limits), wanted, nothingSpent, 0);
        if (kind === 'count') ledger.count(scopes(limits), wanted, 0);
        if (kind === 'settle') ledger.settle(id, { tokens: amount, nanos: amount }, 0);
        if (kind === 'end') ledger.end(id, true, 0);
        if (kind === 'endUncounted') ledger.end(id, false, 0);
        if (kind === 'withdraw') ledger.withdraw(id, 0);
      }
      const later = 60 * 60_000;
      ledger.sweep(later);
      ledger.sweep(2 * later);
      assert.equal(ledger.size, 0);
      const all = { ...limits, concurrentStreams: 1 };
      assert.equal(ledger.admit(scopes(all), reservation('last', 500, 900), nothingSpent, 2 * later), null);
    }),
  );
});
