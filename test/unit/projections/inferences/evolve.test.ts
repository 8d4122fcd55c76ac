import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evolve } from '../../../../projections/inferences/evolve.ts';
import type { InferenceRow } from '../../../../projections/inferences/rows.ts';
import type { LoggedEvent } from '../../../../streams/event.ts';
import { measured, used } from '../turn-events.ts';

function fold(...events: readonly LoggedEvent[]): InferenceRow {
  const row = events.reduce<InferenceRow | null>(evolve, null);
  assert.ok(row !== null);
  return row;
}

test('a turn and its claim become one row, whichever comes first', () => {
  const row = fold(used(), measured());
  assert.deepEqual(fold(measured(), used()), row);
  assert.equal(row.outcome, 'completed');
  assert.equal(row.partition, 2);
  assert.equal(row.recordOffset, 42);
  assert.deepEqual(
    row.claims.map(({ claim, costNanos, currency, time }) => [claim, costNanos, currency, time]),
    [['claim-1', 300, 'EUR', 1_234]],
  );
});

test('a repeat returns the row as it is', () => {
  const row = fold(used(), measured());
  assert.equal(evolve(row, used()), row);
  assert.equal(evolve(row, measured({ outcome: 'failed', eventId: 'another' })), row);
});

test('the count of the owner stands instead of an estimate of the same attempt, whichever came first', () => {
  const estimate = used({ claim: 'before:claim-2', estimated: true, completionTokens: 3 });
  const second = used({ claim: 'claim-2', attempt: 2, completionTokens: 8 });
  const names = (row: InferenceRow): readonly string[] => row.claims.map(({ claim }) => claim).sort();
  assert.deepEqual(names(fold(estimate, second)), ['before:claim-2', 'claim-2']);
  assert.deepEqual(names(fold(estimate, second, used())), ['claim-1', 'claim-2']);
  assert.deepEqual(names(fold(used(), estimate, second)), ['claim-1', 'claim-2']);
  assert.equal(fold(estimate, second).attempts, 2);
});

test('an event of another tenant changes nothing', () => {
  const row = fold(used());
  assert.equal(evolve(row, measured({ tenantId: 'tenant-2' })), row);
  assert.equal(evolve(row, used({ tenantId: 'tenant-2', claim: 'claim-9' })), row);
});
