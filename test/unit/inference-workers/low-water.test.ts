import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LowWater } from '../../../inference-workers/low-water.ts';

test('the offset to commit is the first one that is not done, however late it was taken', () => {
  const water = new LowWater(10);
  assert.equal(water.committable, 10);
  for (const offset of [10, 11, 14]) water.take(offset);
  water.done(11);
  assert.equal(water.committable, 10);
  water.done(10);
  assert.equal(water.committable, 14);
  assert.equal(water.open, 1);
  water.done(14);
  assert.equal(water.committable, 15);
  assert.equal(water.open, 0);
});

test('what was read and needs nothing is passed, but never a request that is open', () => {
  const water = new LowWater(10);
  water.pass(13);
  assert.equal(water.committable, 13);
  water.take(14);
  water.pass(20);
  assert.equal(water.committable, 14);
  water.done(14);
  assert.equal(water.committable, 20);
  water.pass(15);
  assert.equal(water.committable, 20);
});

test('in any order of work the offset never passes one that is open, never goes back, and ends behind the last', () => {
  const plan = fc.record({
    start: fc.nat({ max: 100 }),
    gaps: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 30 }),
    moves: fc.array(fc.nat({ max: 40 }), { maxLength: 60 }),
  });
  fc.assert(
    fc.property(plan, ({ start, gaps, moves }) => {
      const water = new LowWater(start);
      const toTake = gaps.reduce<number[]>((all, gap) => [...all, (all.at(-1) ?? start - 1) + gap], []);
      const last = toTake.at(-1) ?? start;
      let open: number[] = [];
      let before = water.committable;
      const check = (): void => {
        assert.ok(water.committable >= before, 'it goes back');
        assert.ok(
          open.every((offset) => offset >= water.committable),
          'it passes an open one',
        );
        assert.equal(water.open, open.length);
        before = water.committable;
      };
      const finish = (index: number): void => {
        const offset = open[index % open.length];
        if (offset === undefined) return;
        open = open.filter((other) => other !== offset);
        water.done(offset);
        check();
      };
      for (const move of moves) {
        const next = move % 2 === 0 ? toTake.shift() : undefined;
        if (next === undefined) finish(move);
        else {
          water.take(next);
          open.push(next);
          check();
        }
      }
      for (const offset of toTake) {
        water.take(offset);
        open.push(offset);
      }
      while (open.length > 0) finish(open.length - 1);
      assert.equal(water.committable, last + 1);
    }),
  );
});
