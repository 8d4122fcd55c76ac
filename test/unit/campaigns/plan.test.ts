import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf, planRound } from '../../campaigns/streams/plan.ts';
import { points } from '../../campaigns/streams/points.ts';

const rounds = Array.from({ length: 200 }, (_, round) => planRound(7, round));

test('a seed decides a round: the same one fails again', () => {
  const names = (seed: number): readonly unknown[] =>
    planRound(seed, 3).faults.map((fault) => [
      nameOf(fault),
      'slot' in fault ? fault.slot : '',
      fault.afterMs,
    ]);
  assert.deepEqual(names(7), names(7));
  assert.notDeepEqual(names(7), names(8));
});

test('200 rounds come by every named place at least ten times, and kill at random in each', () => {
  const counts = new Map<string, number>();
  for (const { faults } of rounds) {
    for (const fault of faults) {
      const name = fault.kind === 'point' ? fault.point.name : fault.kind;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  for (const { name } of points)
    assert.ok((counts.get(name) ?? 0) >= 10, `${name}: ${counts.get(name) ?? 0}`);
  assert.equal(counts.get('kill'), 196, 'all but those in which the broker is away for a minute');
  for (const kind of [
    'freeze',
    'stop',
    'cut',
    'delay',
    'hold-produce',
    'broker-killed',
    'registry-down',
    'poison',
  ])
    assert.ok((counts.get(kind) ?? 0) > 0, kind);
});

test('nothing happens twice to one process in a round', () => {
  for (const { faults } of rounds) {
    const slots = faults.flatMap((fault) => ('slot' in fault ? [fault.slot] : []));
    assert.equal(new Set(slots).size, slots.length);
  }
});
