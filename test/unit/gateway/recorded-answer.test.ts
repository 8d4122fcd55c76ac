import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepsAfter, stepsToRecord, type RecordedAnswer } from '../../../gateway/streams/recorded-answer.ts';

const end = {
  outcome: 'completed',
  finishReason: 'stop',
  model: 'm',
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
} as const;

function record(text: string, deltaBytes: readonly number[], firstSeq = 0): RecordedAnswer {
  return { text, firstSeq, nextSeq: firstSeq + deltaBytes.length, deltaBytes, deltaMillis: [], end };
}

test('pieces are cut at UTF-8 bytes', () => {
  const { steps, endSeq } = stepsAfter(record('né👍x', [1, 2, 4, 1]), -1);
  assert.deepEqual(steps, [
    { type: 'delta', seq: 0, text: 'n' },
    { type: 'delta', seq: 1, text: 'é' },
    { type: 'delta', seq: 2, text: '👍' },
    { type: 'delta', seq: 3, text: 'x' },
  ]);
  assert.equal(endSeq, 4);
});

test('each piece knows how long after the one before it came, where the record tells', () => {
  const recorded = { ...record('abc', [1, 1, 1]), deltaMillis: [250, 20] };
  assert.deepEqual(stepsAfter(recorded, 0).steps, [
    { type: 'delta', seq: 1, text: 'b', afterMs: 20 },
    { type: 'delta', seq: 2, text: 'c' },
  ]);
});

test('a text that began with a reset begins with it again, unless the client passed it', () => {
  const recorded = record('ab', [1, 1], 5);
  assert.deepEqual(stepsAfter(recorded, -1).steps, [
    { type: 'reset', seq: 4 },
    { type: 'delta', seq: 5, text: 'a' },
    { type: 'delta', seq: 6, text: 'b' },
  ]);
  assert.deepEqual(stepsAfter(recorded, 5).steps, [{ type: 'delta', seq: 6, text: 'b' }]);
  assert.deepEqual(stepsAfter(recorded, 7), { steps: [], endSeq: 7 });
});

test('a rest that does not fit the original pieces comes as one piece with the next seq', () => {
  const { steps, endSeq } = stepsToRecord(record('Hello', [2, 3]), { text: 'Hel', nextSeq: 1 });
  assert.deepEqual(steps, [{ type: 'delta', seq: 1, text: 'lo' }]);
  assert.equal(endSeq, 2);
});

test('a record without the ends of its deltas gives a client that has a part the whole text again', () => {
  const recorded = { ...record('Hello', []), nextSeq: 3 };
  assert.deepEqual(stepsAfter(recorded, -1).steps, [{ type: 'delta', seq: 0, text: 'Hello' }]);
  assert.deepEqual(stepsAfter(recorded, 1).steps, [
    { type: 'reset', seq: 2 },
    { type: 'delta', seq: 3, text: 'Hello' },
  ]);
});

test('text that was shown and is not on record is taken back', () => {
  assert.deepEqual(stepsToRecord(record('', []), { text: 'x', nextSeq: 1 }), {
    steps: [{ type: 'reset', seq: 1 }],
    endSeq: 2,
  });
  assert.deepEqual(stepsToRecord(record('same', [4]), { text: 'same', nextSeq: 1 }), {
    steps: [],
    endSeq: 1,
  });
});
