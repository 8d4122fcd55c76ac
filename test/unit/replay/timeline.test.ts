import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playEntries } from '../../../cli/replay/play-entries.ts';
import { timelineOf } from '../../../replay/conversation/timeline.ts';
import { aCompletion, aFailure, aFirstMessage, aMessage, inOrder } from '../../support/builders.ts';

/** A conversation is told as it was at a time, and what changed nothing is not told. */

const log = inOrder([
  aFirstMessage('q1', 'hello'),
  aCompletion('q1', 'one two', { deltaBytes: [3, 4], deltaMillis: [1, 1], attempt: 1 }),
  aCompletion('q1', 'too late', { eventId: 'late' }),
  aMessage('q2', 'and?'),
  aMessage('q2', 'and?'),
  aFailure('q2'),
]).map((event, index) => ({ ...event, time: 1_700_000_000_000 + index }));
const forever = Number.POSITIVE_INFINITY;

test('each event once, the effective end alone', () => {
  assert.deepEqual(
    timelineOf(log, forever).map(({ type, words }) => [type, words]),
    [
      ['MessageSubmitted', 'hello'],
      ['InferenceCompleted', 'one two'],
      ['MessageSubmitted', 'and?'],
      ['InferenceFailed', ''],
    ],
  );
});

test('at every moment it is the beginning of what it is later', () => {
  const all = timelineOf(log, forever);
  for (const { time } of log) {
    const then = timelineOf(log, time);
    assert.deepEqual(then, all.slice(0, then.length));
    assert.ok(then.every((entry) => entry.time <= time));
  }
  assert.deepEqual(timelineOf(log, 0), []);
});

async function played(withWords: boolean, asJson = false): Promise<string> {
  let text = '';
  await playEntries(timelineOf(log, forever), {
    ...{ withWords, asJson, isPaced: true, signal: new AbortController().signal },
    write: (piece) => (text += piece),
  });
  return text;
}

test('words are shown only where they are asked for, whole whatever the pace', async () => {
  assert.doesNotMatch(await played(false), /hello|one two/);
  assert.match(await played(true), /hello\n.*\n {4}one two\n/);
  const lines = (await played(true, true)).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { words: unknown }).words),
    ['hello', 'one two', 'and?', ''],
  );
  assert.ok((await played(false, true)).split('\n').every((line) => !line.includes('words')));
});
