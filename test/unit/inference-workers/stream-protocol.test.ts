import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepsToRecord } from '../../../gateway/streams/recorded-answer.ts';
import { sha256 } from '../../../streams/ids.ts';
import { readDelta, startReading } from '../../../streams/read-deltas.ts';
import {
  effectiveEnds,
  endAlone,
  modelMoves,
  modelStart,
  readAll,
  recordEvent,
  replyEvent,
  type ModelState,
} from '../../support/builders-stream-model.ts';

test('a zombie, a taker and a deadline, in every order of appends, with a crash after each', () => {
  const states = explore(modelStart(1, true), 1);
  assert.ok(states > 5_000, `only ${states} states: the model lost its moves`);
});

test('a zombie and two takers, and a deadline once all have stopped', () => {
  const states = explore(modelStart(2, false), 0);
  assert.ok(states > 5_000, `only ${states} states: the model lost its moves`);
});

/** Visits every state once; returns how many there are. */
function explore(start: ModelState, deltasOfTaker: number): number {
  const seen = new Set([JSON.stringify(start)]);
  /** Logs whose end was checked: who stands where beside them makes no difference once all have stopped. */
  const checked = new Set<string>();
  const open = [start];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const logs = `${told(state)} | ${state.folded}`;
    if (!checked.has(logs)) {
      checked.add(logs);
      checkReplies(state);
      checkEnd(state);
    }
    for (const next of modelMoves(state, deltasOfTaker)) {
      const key = JSON.stringify(next);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(next);
    }
  }
  return seen.size;
}

/** What a reader accepts is numbered 0, 1, 2 ... whoever wrote it, and nothing comes after the end. */
function checkReplies(state: ModelState): void {
  let reading = startReading;
  let expected = 0;
  for (const word of state.replies) {
    const [next, verdict] = readDelta(reading, replyEvent(word));
    if (reading.ended !== null) assert.equal(verdict.type, 'ignored', told(state));
    reading = next;
    if (verdict.type === 'delta') assert.equal(verdict.seq, expected++, told(state));
  }
}

/** Everybody else stops here for good: there is exactly one end, and what is shown is what was recorded. */
function checkEnd(state: ModelState): void {
  assert.ok(effectiveEnds(state).length <= 1, told(state));
  const final = endAlone(state);
  const ends = effectiveEnds(final);
  assert.equal(ends.length, 1, told(final));
  const end = recordEvent(ends[0] ?? '');
  assert.ok(end.type === 'InferenceCompleted');
  const { content, textHash, nextSeq, firstSeq, deltaBytes } = end.data;
  const reading = readAll(final.replies);
  assert.equal(reading.ended?.textHash, textHash, told(final));

  const recorded = { text: content.text ?? '', firstSeq, nextSeq, deltaBytes };
  const last = {
    outcome: 'completed',
    finishReason: null,
    model: '',
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
  } as const;
  const { steps, endSeq } = stepsToRecord({ ...recorded, deltaMillis: [], end: last }, reading);
  let shown = reading.text;
  let seq = reading.nextSeq - 1;
  for (const step of steps) {
    assert.equal(step.type, 'delta', `text is never taken back: ${told(final)}`);
    assert.equal(step.seq, seq + 1, told(final));
    seq = step.seq;
    if (step.type === 'delta') shown += step.text;
  }
  assert.equal(endSeq, seq + 1, told(final));
  assert.equal(sha256(shown), textHash, told(final));
}

function told({ replies, record }: ModelState): string {
  return `replies: ${replies.join(' ')} | record: ${record.join(' ')}`;
}
