import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, percentile, shuffled, summarise } from '../../../bench/support/statistics.ts';

test('a percentile is the smallest value that the share of the values does not exceed', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentile(values, 0.5), 50);
  assert.equal(percentile(values, 0.99), 99);
  assert.equal(percentile(values, 1), 100);
  assert.equal(percentile([7], 0.99), 7);
  assert.equal(percentile([1, 2, 3], 0.34), 2);
});

test('a percentile sorts numbers as numbers and leaves the list alone', () => {
  const values = [10, 9, 100];
  assert.equal(percentile(values, 0.5), 10);
  assert.deepEqual(values, [10, 9, 100]);
});

test('a median is the middle value or the mean of the two middle ones', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('nothing measured is no number', () => {
  assert.ok(Number.isNaN(percentile([], 0.5)));
  assert.ok(Number.isNaN(median([])));
});

test('a summary has the median and the spread of its rounds', () => {
  assert.deepEqual(summarise([5, 1, 3]), { median: 3, min: 1, max: 5 });
});

test('shuffled keeps every item once and takes its order from the random numbers', () => {
  assert.deepEqual(
    shuffled(['a', 'b', 'c'], () => 0),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(
    shuffled(['a', 'b', 'c'], () => 0.999),
    ['c', 'b', 'a'],
  );
});

test('shuffled gives every order about as often as any other', () => {
  // Evenly spaced numbers in place of random ones: the count is exact, not likely.
  const steps = 60;
  const orders = new Map<string, number>();
  for (let i = 0; i < steps; i += 1) {
    for (let j = 0; j < steps; j += 1) {
      const numbers = [i / steps, j / steps, 0];
      const order = shuffled(['a', 'b', 'c'], () => numbers.shift() ?? 0).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
  }
  assert.deepEqual(
    [...orders.values()],
    Array.from({ length: 6 }, () => (steps * steps) / 6),
  );
});
