import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createWaitingRoom } from '../../../../policies/admission/waiting-room.ts';

test('where nobody waits, nobody will; where nothing begins, the first in line tells', () => {
  const room = createWaitingRoom();
  assert.deepEqual([room.estimate('q', 0), room.longest('q', 0)], [0, 0]);
  const first = room.enter('q', 1_000);
  room.enter('q', 4_000);
  assert.deepEqual([room.estimate('q', 5_000), room.longest('q', 5_000)], [4_000, 4_000]);
  assert.equal(room.estimate('another', 5_000), 0);
  first.leave();
  assert.equal(room.longest('q', 5_000), 1_000);
  // Who has left does not begin.
  first.begin(5_000);
  assert.equal(room.estimate('q', 5_000), 1_000);
});

test('in line, the estimate is what is then waited', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 5, max: 400 }), (perSecond, waiting) => {
      const room = createWaitingRoom();
      const line = Array.from({ length: waiting + perSecond * 12 }, () => room.enter('q', 0));
      const begins = (index: number): number => ((index + 1) * 1000) / perSecond;
      let now = 0;
      for (let index = 0; index < perSecond * 12; index += 1) {
        now = begins(index);
        line[index]?.begin(now);
      }
      const wait = (waiting * 1000) / perSecond;
      const estimate = room.estimate('q', now);
      // Two ends of the window may count one more or one less.
      assert.ok(Math.abs(estimate - wait) <= wait / (perSecond * 5) + 1, `${estimate} for ${wait}`);
    }),
  );
});

test('what began long ago says nothing any more', () => {
  const room = createWaitingRoom();
  const quick = Array.from({ length: 100 }, () => room.enter('q', 0));
  for (const one of quick) one.begin(10);
  room.enter('q', 20_000);
  assert.equal(room.estimate('q', 21_000), 1_000);
});
