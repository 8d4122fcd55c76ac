import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { createSpend } from '../../../../gateway/limits/spend.ts';
import { scopesOf, unlimited, type Scope } from '../../../../policies/limits/limits.ts';
import { usage } from '../../../../projections/usage/index.ts';
import { openUsageQueries } from '../../../../projections/usage/queries.ts';
import { isType, type LoggedEvent } from '../../../../streams/event.ts';
import { openDatabase } from '../../../../storage/sqlite/open-database.ts';
import { used } from '../../projections/turn-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'steno-spend-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 4, 20, 12);

function scope(kind: Scope['kind'], principal: string, keyId: string): Scope {
  const limited = { ...unlimited, spendPerDayNanos: 1 };
  const none = { key: null, user: null, tenant: null };
  const [found] = scopesOf({ tenantId: 'tenant-1', principal, keyId }, { ...none, [kind]: limited });
  assert.ok(found !== undefined);
  return found;
}

/** A read model that folds when it is told to, and what a gateway makes of it and of what it was told. */
function open(brokerTime = NOON) {
  const database = openDatabase(join(folder, `${(files += 1)}.db`));
  const model = usage.open(database);
  const clock = { now: 0 };
  const queries = openUsageQueries(database);
  const spend = createSpend({ queries, currency: 'EUR', brokerTime: () => brokerTime, now: () => clock.now });
  let next: number | null = null;
  return {
    spend,
    tell: (event: LoggedEvent): void => {
      assert.ok(isType(event, 'UsageRecorded'));
      spend.add(event);
    },
    fold: (events: readonly LoggedEvent[]): void => {
      const step = model.begin();
      for (const event of events) step.apply(event);
      const position = { next: (next ?? 0) + events.length, lastEventId: 'e', topicId: 't' };
      database.transaction(() => {
        step.save();
        assert.ok(model.positions.advance(0, next, position));
      });
      ({ next } = position);
    },
    wait: (millis: number) => (clock.now += millis),
    close: () => database.close(),
  };
}

function told(offset: number, fields: Parameters<typeof used>[0], time = NOON): LoggedEvent {
  return {
    ...used({ inferenceId: `i${offset}`, claim: `c${offset}`, ...fields }),
    partition: 0,
    offset,
    time,
  };
}

test('what the read model has not folded yet counts as well, and nothing counts twice', () => {
  const event = fc.record({
    principal: fc.constantFrom('anna', 'bob'),
    keyId: fc.constantFrom('k1', 'k2'),
    costNanos: fc.integer({ min: 0, max: 1_000 }),
    currency: fc.constantFrom('EUR', 'EUR', 'USD'),
    hoursAgo: fc.integer({ min: 0, max: 50 }),
    folded: fc.boolean(),
    wait: fc.constantFrom(0, 400, 1_100),
    sweep: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (given) => {
      const { spend, tell, fold, wait, close } = open();
      let waiting: LoggedEvent[] = [];
      const sums = new Map<string, number>();
      const add = (name: string, nanos: number): void => void sums.set(name, (sums.get(name) ?? 0) + nanos);
      for (const [offset, { principal, keyId, costNanos, currency, hoursAgo, ...then }] of given.entries()) {
        const time = NOON - hoursAgo * HOUR;
        const next = told(offset, { principal, keyId, costNanos, currency }, time);
        tell(next);
        waiting.push(next);
        if (currency === 'EUR') {
          for (const name of ['tenant', principal, keyId]) {
            add(`${name} month`, costNanos);
            if (hoursAgo <= 12) add(`${name} day`, costNanos);
          }
        }
        if (then.folded) {
          fold(waiting);
          waiting = [];
        }
        wait(then.wait);
        if (then.sweep) spend.sweep();
        for (const [name, whose] of [
          ['tenant', scope('tenant', principal, keyId)],
          [principal, scope('user', principal, keyId)],
          [keyId, scope('key', principal, keyId)],
        ] as const) {
          assert.deepEqual(spend.of(whose), {
            day: sums.get(`${name} day`) ?? 0,
            month: sums.get(`${name} month`) ?? 0,
          });
        }
      }
      close();
    }),
    { numRuns: 60 },
  );
});

test('a day and a month begin at midnight UTC of the broker', () => {
  const midnight = Date.UTC(2026, 5, 1);
  const { spend, tell, fold, close } = open(midnight + 10 * 60_000);
  const before = told(0, { costNanos: 5 }, midnight - 1);
  const since = told(1, { costNanos: 7 }, midnight);
  for (const event of [before, since]) tell(event);
  const whose = scope('tenant', 'anna', 'k1');
  assert.deepEqual(spend.of(whose), { day: 7, month: 7 });
  fold([before, since]);
  assert.deepEqual(spend.of(whose), { day: 7, month: 7 });
  close();
});

test('before there is a read model, what was told is all there is', () => {
  const database = openDatabase(join(folder, 'none.db'));
  after(() => database.close());
  const spend = createSpend({
    queries: openUsageQueries(database),
    currency: 'EUR',
    brokerTime: () => NOON,
    now: () => 0,
  });
  const event = told(0, { costNanos: 5 });
  assert.ok(isType(event, 'UsageRecorded'));
  spend.add(event);
  spend.sweep();
  assert.deepEqual(spend.of(scope('tenant', 'anna', 'k1')), { day: 5, month: 5 });
});

test('an estimate is replaced by the count of who did the work', () => {
  const { spend, tell, close } = open();
  tell(told(0, { inferenceId: 'i', claim: 'before:c', estimated: true, costNanos: 3 }));
  tell(told(1, { inferenceId: 'i', claim: 'c', costNanos: 4 }));
  assert.equal(spend.of(scope('tenant', 'anna', 'k1')).day, 4);
  close();
});
