import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cursorOf, positionsOf } from '../../../../gateway/subscriptions/cursor.ts';
import { seededRandom } from '../../../support/random.ts';

test('a cursor says where each partition of each topic stands', () => {
  const positions = new Map([
    ['turns', [0, null, 35]],
    ['conversations', [null, 36]],
  ]);
  assert.equal(cursorOf(positions), '1~turns~0..z~conversations~.10');
  assert.deepEqual(positionsOf(cursorOf(positions)), positions);
});

test('every position comes back as it was, and fits one line', () => {
  const random = seededRandom(8);
  for (let tried = 0; tried < 1_000; tried += 1) {
    const offsets = Array.from({ length: random.between(1, 24) }, () =>
      random.chance(0.2) ? null : random.between(0, 2 ** 40),
    );
    const positions = new Map([['conversations', offsets]]);
    const text = cursorOf(positions);
    assert.match(text, /^[\w~.]+$/);
    assert.deepEqual(positionsOf(text), positions);
  }
});

test('what is no cursor is refused', () => {
  for (const text of [
    ...[
      '',
      '1',
      '2~turns~0',
      '1~turns',
      '1~turns~-1',
      '1~Turns~0',
      '1~turns~0~turns~0',
      '1~turns~0 ',
      '1~~0',
    ],
    ...[`1~turns~${'z'.repeat(11)}`, `1~turns~${'0.'.repeat(5_000)}`],
  ])
    assert.throws(() => positionsOf(text), { code: 'bad_cursor' }, text);
});
