import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PieceKeeper } from '../../../streams/delta-pieces.ts';
import { readDelta, startReading, type ReplyEvent } from '../../../streams/read-deltas.ts';

type Word = readonly ['attempt', number, string] | readonly ['delta', string, number, string, number];

function eventOf(word: Word): ReplyEvent {
  const inferenceId = 'inf_1';
  if (word[0] === 'attempt') {
    // What a reader looks at; the rest of the event is of no interest to it.
    const data = { inferenceId, attempt: word[1], claim: word[2], engine: 'e', model: 'm' };
    return { type: 'AttemptStarted', data } as ReplyEvent;
  }
  const [, claim, seq, text] = word;
  const content = { text, sealed: null, keyId: null };
  const reset = text === '<reset>';
  return {
    type: 'InferenceDelta',
    data: {
      inferenceId,
      claim,
      seq,
      reset,
      text: reset ? { ...content, text: '' } : content,
      tokens: 1,
      tokenIds: [],
    },
  };
}

function keep(words: readonly Word[]): PieceKeeper {
  const keeper = new PieceKeeper();
  let reading = startReading;
  for (const word of words) {
    const event = eventOf(word);
    const [next, verdict] = readDelta(reading, event);
    reading = next;
    keeper.take(event, verdict, word[0] === 'delta' ? word[4] : 0);
  }
  return keeper;
}

test('the deltas of all attempts are kept in bytes, and in milliseconds of the broker’s clock', () => {
  const keeper = keep([
    ['attempt', 1, 'a'],
    ['delta', 'a', 0, 'grün', 1_000],
    ['delta', 'a', 1, 'er', 1_020],
    ['attempt', 2, 'b'],
    ['delta', 'a', 2, 'a zombie', 2_000],
    ['delta', 'b', 2, ' Tee', 3_500],
  ]);
  assert.deepEqual(keeper.pieces, { deltaBytes: [5, 2, 4], deltaMillis: [0, 20, 2_480] });
});

test('a reset takes the pieces back; what they cost stays', () => {
  const keeper = keep([
    ['attempt', 1, 'a'],
    ['delta', 'a', 0, 'wrong', 1_000],
    ['attempt', 2, 'b'],
    ['delta', 'b', 1, '<reset>', 1_500],
    ['delta', 'b', 2, 'right', 1_600],
  ]);
  assert.deepEqual(keeper.pieces.deltaBytes, [5]);
  assert.deepEqual(keeper.before('c'), [
    { number: 1, claim: 'a', engine: 'e', model: 'm', tokens: 1 },
    { number: 2, claim: 'b', engine: 'e', model: 'm', tokens: 1 },
  ]);
});

test('an attempt that produced nothing, and the taker’s own, replaced nobody', () => {
  const keeper = keep([
    ['attempt', 1, 'a'],
    ['delta', 'a', 0, 'text', 1_000],
    ['attempt', 2, 'b'],
    ['attempt', 3, 'c'],
    ['delta', 'c', 1, 'more', 1_100],
  ]);
  assert.deepEqual(
    keeper.before('c').map(({ claim }) => claim),
    ['a'],
  );
});
