import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { projections } from '../../../../projections/catalogue.ts';
import { commitStep } from '../../../../projections/commit-step.ts';
import { openInferenceQueries } from '../../../../projections/inferences/queries.ts';
import { hashOf } from '../../../../projections/state-hash.ts';
import { usage } from '../../../../projections/usage/index.ts';
import { openUsageQueries, type HourlyUsage } from '../../../../projections/usage/queries.ts';
import { openDatabase } from '../../../../storage/sqlite/open-database.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { measured, used } from '../turn-events.ts';

const folder = mkdtempSync(join(tmpdir(), 'steno-usage-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function foldTo(events: readonly LoggedEvent[]): readonly HourlyUsage[] {
  const database = openDatabase(join(folder, `${(files += 1)}.db`));
  const step = usage.open(database).begin();
  for (const event of events) step.apply(event);
  database.transaction(() => step.save());
  const found = openUsageQueries(database).byHour('tenant-1', { from: 0, to: 10 * 3_600_000 });
  database.close();
  return found;
}

test('turns and claims are summed by model and hour of broker time', () => {
  const found = foldTo([
    measured(),
    used(),
    measured({ inferenceId: 'inference-2', outcome: 'failed' }),
    used({ inferenceId: 'inference-2', claim: 'claim-2' }),
    used({ inferenceId: 'inference-3', claim: 'claim-3' }, 1),
    used({ inferenceId: 'inference-4', claim: 'claim-4', tenantId: 'tenant-2' }),
  ]);
  assert.deepEqual(
    found.map(({ hour, currency, completed, failed, claims, completionTokens, costNanos }) => [
      ...[hour, currency, completed, failed],
      ...[claims, completionTokens, costNanos],
    ]),
    [
      [0, '', 1, 1, 0, 0, 0],
      [0, 'EUR', 0, 0, 2, 10, 600],
      [3_600_000, 'EUR', 0, 0, 1, 5, 300],
    ],
  );
});

test('an estimate that its owner counts later leaves the sums, in the hour that it was told in', () => {
  const found = foldTo([
    used({ claim: 'before:claim-2', estimated: true, completionTokens: 3 }),
    used({ claim: 'claim-1', completionTokens: 4 }, 1),
  ]);
  assert.deepEqual(
    found.map(({ hour, claims, completionTokens, estimatedTokens }) => [
      ...[hour, claims, completionTokens, estimatedTokens],
    ]),
    [
      [0, 0, 0, 0],
      [3_600_000, 1, 4, 0],
    ],
  );
});

const kinds = fc.record({
  inference: fc.nat(3),
  isTurn: fc.boolean(),
  attempt: fc.integer({ min: 1, max: 3 }),
  estimated: fc.boolean(),
  hour: fc.nat(3),
});

test('repeats, and any cut into steps, change no sum and no row', () => {
  fc.assert(
    fc.property(
      fc.array(kinds, { maxLength: 25 }),
      fc.array(fc.nat(50)),
      fc.integer({ min: 1, max: 5 }),
      (made, again, most) => {
        const events = made.map(({ inference, isTurn, attempt, estimated, hour }) => {
          const inferenceId = `inference-${inference}`;
          const claim = `claim-${inference}-${attempt}-${estimated}`;
          return isTurn
            ? measured({ inferenceId }, hour)
            : used({ inferenceId, claim, attempt, estimated }, hour);
        });
        const repeats = again.flatMap((index) => events[index % Math.max(1, events.length)] ?? []);
        const log = [...events, ...repeats].map((event, offset) => ({ ...event, offset }));
        for (const definition of projections) {
          if (definition.dataset.name !== 'turns') continue;
          const database = openDatabase(join(folder, `${(files += 1)}.db`));
          const projection = definition.open(database);
          let position = { next: 0, lastEventId: '', topicId: 'topic-1' };
          projection.positions.advance(2, null, position);
          while (position.next < log.length) {
            const rest = log.slice(position.next);
            const done = commitStep({
              database,
              projection,
              partition: 2,
              position,
              events: rest,
              end: log.length,
              most,
              mostMillis: Infinity,
            });
            assert.ok(done.result === 'done' && done.poison === null);
            position = { ...done.position };
          }
          assert.equal(
            hashOf(projection.lines(null)),
            definition.foldHash(events.map((event, offset) => ({ ...event, offset }))),
          );
          for (const _ of projection.clear(2));
          assert.equal(projection.count(), 0);
          database.close();
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('inferences are found by their tenant alone, the latest first', () => {
  const [, inferences] = projections;
  assert.ok(inferences !== undefined);
  const database = openDatabase(join(folder, 'queries.db'));
  const queries = openInferenceQueries(database);
  assert.equal(queries.find('tenant-1', 'inference-1'), null);
  const step = inferences.open(database).begin();
  step.apply(measured());
  step.apply(measured({ inferenceId: 'inference-2', endedAt: 3_000, outcome: 'cancelled' }));
  step.apply(used({ inferenceId: 'inference-3', claim: 'claim-3' }));
  database.transaction(() => step.save());
  assert.equal(queries.find('tenant-1', 'inference-1')?.outcome, 'completed');
  assert.equal(queries.find('tenant-2', 'inference-1'), null);
  const latest = queries.latest('tenant-1', { limit: 5, endedBefore: 10_000 });
  assert.deepEqual(
    latest.map(({ id }) => id),
    ['inference-2', 'inference-1'],
  );
  assert.deepEqual(queries.outcomes('tenant-1', { from: 0, to: 10_000 }), { completed: 1, cancelled: 1 });
  database.close();
});
