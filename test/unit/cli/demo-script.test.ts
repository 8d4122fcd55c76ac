import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { writeDemo } from '../../../cli/demo/script.ts';

describe('the demonstration', () => {
  test('has as many turns as asked for, in conversations of four', () => {
    assert.deepEqual(
      writeDemo(10, 'a').map(({ turns }) => turns.length),
      [4, 4, 2],
    );
  });

  test('has a stop, a failure and judgements in each whole conversation', () => {
    for (const { turns } of writeDemo(8, 'a')) {
      assert.deepEqual(
        turns.map(({ ends }) => ends),
        ['completed', 'cancelled', 'failed', 'completed'],
      );
      assert.equal(turns.filter(({ feedback }) => feedback !== null).length, 2);
    }
  });

  test('is the same for the same seed; a longer one begins with the shorter one', () => {
    const [long, short] = [
      writeDemo(12, 'a').flatMap(({ turns }) => turns),
      writeDemo(6, 'a').flatMap(({ turns }) => turns),
    ];
    assert.deepEqual(long.slice(0, 6), short);
  });

  test('has a key of its own for every turn and seed', () => {
    const keys = ['a', 'b'].flatMap((seed) =>
      writeDemo(12, seed).flatMap(({ turns }) => turns.map(({ key }) => key)),
    );
    assert.equal(new Set(keys).size, 24);
  });
});
