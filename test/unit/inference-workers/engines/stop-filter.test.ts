import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStopFilter } from '../../../../inference-workers/engines/stop-filter.ts';

/** Pushes the pieces until a stop string ends the answer; returns what was shown after each. */
function shown(pieces: readonly string[], stops: readonly string[], prefix = ''): readonly string[] {
  const filter = createStopFilter(stops, prefix);
  const result: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = filter.push(piece);
    result.push(text);
    if (stopped) return [...result, 'STOPPED'];
  }
  return [...result, filter.flush()];
}

test('without stop strings everything passes', () => {
  assert.deepEqual(shown(['a', 'b'], ['']), ['a', 'b', '']);
});

test('a stop string over three pieces is never shown', () => {
  assert.deepEqual(shown(['one', ' E', 'N', 'D two'], ['END']), ['one', ' ', '', '', 'STOPPED']);
});

test('held text is shown as soon as it cannot become a stop string', () => {
  assert.deepEqual(shown(['E', 'N', 'X'], ['END']), ['', '', 'ENX', '']);
});

test('held text is shown at the end', () => {
  assert.deepEqual(shown(['a', 'EN'], ['END']), ['a', '', 'EN']);
});

test('the first of several stop strings counts', () => {
  assert.deepEqual(shown(['a. b! c'], ['!', '.']), ['a', 'STOPPED']);
});

test('a stop string that began in the prefix ends the answer and takes nothing back', () => {
  assert.deepEqual(shown(['D more'], ['END'], 'text EN'), ['', 'STOPPED']);
});

test('a repeated beginning is not lost', () => {
  assert.deepEqual(shown(['aa', 'aab', 'c'], ['aab']), ['', 'aa', 'STOPPED']);
});
