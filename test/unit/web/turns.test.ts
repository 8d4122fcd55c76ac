import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  besideOf,
  merge,
  newestUnder,
  openTurn,
  pathTo,
  recordedTurn,
  versionsOf,
  type RecordedTurn,
  type Turn,
} from '../../../web/chat/turns.ts';

function turn(id: string, parentId: string | null, special: Partial<Turn> = {}): Turn {
  return openTurn(id, `question ${id}`, { messageId: id, parentId, status: 'completed', ...special });
}
const keys = (turns: readonly Turn[]): readonly string[] => turns.map(({ key }) => key);

/** a - b - c, with another answer B beside b, and d under that. */
const tree = [turn('a', null), turn('b', 'a'), turn('c', 'b'), turn('B', 'a'), turn('d', 'B')];
const [a, b, , B] = tree as [Turn, Turn, Turn, Turn];

describe('the tree of a conversation', () => {
  test('a path leads from the root to the turn that is named', () => {
    assert.deepEqual(keys(pathTo(tree, 'c')), ['a', 'b', 'c']);
    assert.deepEqual(keys(pathTo(tree, 'd')), ['a', 'B', 'd']);
    assert.deepEqual(pathTo(tree, null), []);
    assert.deepEqual(pathTo(tree, 'nobody'), []);
  });

  test('versions stand in the same place; below another one the newest branch is shown', () => {
    assert.deepEqual(keys(versionsOf(tree, b)), ['b', 'B']);
    assert.deepEqual(keys(versionsOf(tree, a)), ['a']);
    assert.equal(newestUnder(tree, b).key, 'c');
    assert.equal(newestUnder(tree, a).key, 'd');
    assert.equal(newestUnder(tree, B).key, 'd');
  });

  test('of a long conversation the first turn that is there begins the path, and has no versions', () => {
    const late = [turn('y', 'x'), turn('z', 'y')];
    assert.deepEqual(keys(pathTo(late, 'z')), ['y', 'z']);
    assert.deepEqual(versionsOf(late, late[0] ?? a), []);
  });

  test('a turn that nobody accepted yet has a place and nothing below it', () => {
    const asked = openTurn('new', 'and?', { parentId: 'c' });
    assert.deepEqual(keys(pathTo([...tree, asked], 'new')), ['a', 'b', 'c', 'new']);
    assert.equal(newestUnder([...tree, asked], asked), asked);
    assert.deepEqual(keys(besideOf([...tree, asked], asked)), ['new']);
  });

  test('answers that belong side by side are found from each of them', () => {
    const pair = [turn('p', null), turn('q', null, { besideId: 'p' }), turn('r', null)];
    for (const one of pair.slice(0, 2)) assert.deepEqual(keys(besideOf(pair, one)), ['p', 'q']);
    assert.deepEqual(keys(besideOf(pair, pair[2] ?? a)), ['r']);
  });
});

describe('what is read anew', () => {
  test('keeps the place and the times that the page saw, and takes the rest from the record', () => {
    const seen = turn('a', null, { key: 'turn-1', firstMillis: 12, totalMillis: 40 });
    const [merged] = merge([seen], [turn('a', null, { totalMillis: 55, thumb: 1 })]);
    assert.deepEqual(
      [merged?.key, merged?.firstMillis, merged?.totalMillis, merged?.thumb],
      ['turn-1', 12, 55, 1],
    );
  });

  test('does not take away what is being written, nor what the record does not hold yet', () => {
    const running = turn('b', 'a', { status: 'running', answer: 'so far' });
    const asked = openTurn('new', 'and?');
    const merged = merge([running, asked], [turn('a', null), turn('b', 'a', { status: 'running' })]);
    assert.deepEqual(keys(merged), ['a', 'b', 'new']);
    assert.equal(merged[1]?.answer, 'so far');
  });

  test('a recorded turn says what was judged, how long it took and why it failed', () => {
    const recorded: RecordedTurn = {
      ...{
        message_id: 'm',
        inference_id: 'i',
        parent_id: null,
        message: 'q',
        response: null,
        tool_calls: [{ name: 'f', arguments: '{"a": 1}' }],
        status: 'failed',
      },
      ...{
        code: 'timeout',
        finish_reason: null,
        model: 'x',
        usage: { prompt_tokens: 3, completion_tokens: 0 },
        pinned: true,
      },
      ...{ metadata: { side_by_side: 'other' }, feedback: [{ thumb: 1 }, { thumb: -1 }] },
      ...{ submitted_at: '2026-01-01T00:00:00.000Z', ended_at: '2026-01-01T00:00:01.500Z' },
    };
    const { problem, totalMillis, thumb, besideId, answer, pinned } = recordedTurn(recorded);
    assert.deepEqual([problem, totalMillis, thumb], ['The answer failed (timeout).', 1_500, -1]);
    assert.deepEqual([besideId, answer, pinned], ['other', 'Called `f`:\n\n```json\n{"a": 1}\n```', true]);
  });
});
