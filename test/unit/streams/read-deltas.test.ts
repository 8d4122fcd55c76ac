import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventMap } from '../../../schemas/generated/types.ts';
import {
  readDelta,
  startReading,
  type Reading,
  type ReplyEvent,
  type Verdict,
} from '../../../streams/read-deltas.ts';

// Builders set what the reader looks at; the other fields of an event have no part in it.
const attempt = (number: number, claim: string): ReplyEvent => ({
  type: 'AttemptStarted',
  data: { inferenceId: 'inf', attempt: number, claim } as EventMap['AttemptStarted'],
});
const delta = (claim: string, seq: number, text: string | null = `${claim}${seq} `): ReplyEvent => ({
  type: 'InferenceDelta',
  data: {
    inferenceId: 'inf',
    claim,
    seq,
    reset: text === null,
    text: { text: text ?? '', sealed: null, keyId: null },
    tokens: 1,
    tokenIds: [],
  },
});
const ended: ReplyEvent = {
  type: 'InferenceEnded',
  data: { inferenceId: 'inf' } as EventMap['InferenceEnded'],
};

function read(...events: readonly ReplyEvent[]): { reading: Reading; verdicts: readonly Verdict['type'][] } {
  let reading = startReading;
  const verdicts = events.map((event) => {
    const [next, verdict] = readDelta(reading, event);
    reading = next;
    return verdict.type;
  });
  return { reading, verdicts };
}

describe('reading a reply partition', () => {
  it('joins the deltas of a claim', () => {
    const { reading, verdicts } = read(attempt(1, 'a'), delta('a', 0), delta('a', 1), ended);
    assert.deepEqual(verdicts, ['attempt', 'delta', 'delta', 'end']);
    assert.equal(reading.text, 'a0 a1 ');
    assert.equal(reading.tokens, 2);
  });

  it('ignores repeats, gaps and claims it has not seen begin', () => {
    const { reading, verdicts } = read(
      delta('a', 0),
      attempt(1, 'a'),
      delta('a', 0),
      delta('a', 0),
      delta('a', 2),
    );
    assert.deepEqual(verdicts, ['ignored', 'attempt', 'delta', 'ignored', 'ignored']);
    assert.equal(reading.nextSeq, 1);
  });

  it('follows a taker from the next seq on and drops what the old worker still writes', () => {
    const { reading, verdicts } = read(
      attempt(1, 'a'),
      delta('a', 0),
      attempt(2, 'b'),
      delta('a', 1),
      delta('b', 1),
      delta('a', 2),
      delta('b', 2),
    );
    assert.deepEqual(verdicts, ['attempt', 'delta', 'attempt', 'ignored', 'delta', 'ignored', 'delta']);
    assert.equal(reading.text, 'a0 b1 b2 ');
  });

  it('gives an attempt to the first claim of its number', () => {
    const { reading } = read(attempt(2, 'b'), attempt(2, 'c'), attempt(1, 'a'), delta('c', 0), delta('b', 0));
    assert.equal(reading.text, 'b0 ');
  });

  it('takes text back at a reset and counts on', () => {
    const { reading, verdicts } = read(attempt(1, 'a'), delta('a', 0), delta('a', 1, null), delta('a', 2));
    assert.deepEqual(verdicts, ['attempt', 'delta', 'reset', 'delta']);
    assert.deepEqual([reading.text, reading.firstSeq, reading.nextSeq, reading.tokens], ['a2 ', 2, 3, 1]);
  });

  it('accepts nothing after the end', () => {
    const { reading, verdicts } = read(attempt(1, 'a'), ended, delta('a', 0), attempt(2, 'b'), ended);
    assert.deepEqual(verdicts, ['attempt', 'end', 'ignored', 'ignored', 'ignored']);
    assert.equal(reading.text, '');
  });

  it('shows the same text whatever is repeated, for every log of up to five events', () => {
    const alphabet = [
      attempt(1, 'a'),
      attempt(2, 'b'),
      delta('a', 0),
      delta('a', 1),
      delta('b', 0),
      delta('b', 1),
      ended,
    ];
    let logs: readonly (readonly ReplyEvent[])[] = [[]];
    for (let length = 1; length <= 5; length += 1) {
      logs = logs.flatMap((log) => alphabet.map((event) => [...log, event]));
      for (const log of logs) {
        const { reading, verdicts } = read(...log);
        const repeated = read(...log.flatMap((event) => [event, event])).reading;
        assert.deepEqual(repeated, reading);
        const shown = log.filter((_, index) => verdicts[index] === 'delta');
        assert.deepEqual(
          shown.map((event) => event.type === 'InferenceDelta' && event.data.seq),
          shown.map((_, index) => index),
        );
        assert.equal(
          shown.map((event) => (event.type === 'InferenceDelta' ? event.data.text.text : '')).join(''),
          reading.text,
        );
      }
    }
  });
});
