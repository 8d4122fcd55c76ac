import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PREAMBLE, messageEventsOf } from '../../../../../gateway/openai/responses/response-events.ts';
import type { ResponseFacts } from '../../../../../gateway/openai/responses/response.ts';
import { endProblem } from '../../../../../gateway/problems.ts';
import { stepsAfter, type RecordedAnswer } from '../../../../../gateway/streams/recorded-answer.ts';
import { eventsOf, readEvents, type Json } from './event-rules.ts';

/** The events of a response are a pure function of what a reader accepts, whoever reads it, from where and whenever. */

const facts: ResponseFacts = {
  inferenceId: 'inf_abc',
  conversationId: 'conv_1',
  createdAt: 1_700_000_000,
  model: 'answering',
  instructions: null,
  previousResponseId: null,
  maxOutputTokens: 100,
  format: null,
  tools: null,
  temperature: 0.7,
  topP: 1,
  metadata: { team: 'red' },
};

const end = {
  outcome: 'completed' as const,
  finishReason: 'stop',
  model: 'answering',
  promptTokens: 3,
  completionTokens: 4,
  cachedTokens: 1,
};
const failure = endProblem('timeout', 'too late', true);

type Last = 'completed' | 'length' | 'cancelled' | 'failed';
/** What a reader accepted: pieces of text, and null for each reset. */
type Accepted = { readonly steps: readonly (string | null)[]; readonly last: Last };

const piece = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
  fc.constantFrom('\n\n', 'data: x\n\n', 'event: error\n', '"}', '\u2028', ''),
);
const last = fc.constantFrom<Last>('completed', 'length', 'cancelled', 'failed');
/** Nothing that was shown is taken back. */
const kept: fc.Arbitrary<Accepted> = fc
  .record({ resets: fc.nat({ max: 2 }), pieces: fc.array(piece, { maxLength: 12 }), last })
  .map(({ resets, pieces, last: how }) => ({
    steps: [...Array<null>(resets).fill(null), ...pieces],
    last: how,
  }));
const any: fc.Arbitrary<Accepted> = fc.record({
  steps: fc.array(fc.option(piece, { freq: 5 }), { maxLength: 12 }),
  last,
});

/** Tells an encoder what was accepted, from the first delta on, as a reader of the deltas does. */
function streamOf({ steps, last: how }: Accepted, startingAfter = -1): string {
  const events = messageEventsOf(facts, startingAfter);
  let body = events.begin();
  for (const [seq, step] of steps.entries()) {
    if (step !== null) {
      body += events.delta(seq, step);
      continue;
    }
    const { text, isOver } = events.reset(seq);
    body += text;
    if (isOver) return body;
  }
  return body + endOf(events, steps.length, how);
}

function endOf(events: ReturnType<typeof messageEventsOf>, seq: number, how: Last): string {
  if (how === 'failed') return events.failed(seq, failure).text;
  if (how === 'cancelled') return events.end(seq, { ...end, outcome: 'cancelled', finishReason: null }).text;
  return events.end(seq, { ...end, finishReason: how === 'length' ? 'length' : 'stop' }).text;
}

/** The same from the record alone, which keeps the text after the last reset. */
function streamOfRecord({ steps, last: how }: Accepted, startingAfter = -1): string {
  const firstSeq = steps.lastIndexOf(null) + 1;
  const pieces = steps.slice(firstSeq).map((step) => step ?? '');
  const recorded: RecordedAnswer = {
    text: pieces.join(''),
    firstSeq,
    nextSeq: steps.length,
    deltaBytes: pieces.map((text) => Buffer.byteLength(text)),
    deltaMillis: [],
    end,
  };
  const events = messageEventsOf(facts, startingAfter);
  let body = events.begin();
  const shown = stepsAfter(recorded, -1);
  for (const step of shown.steps) {
    if (step.type === 'delta') body += events.delta(step.seq, step.text);
    else {
      const { text, isOver } = events.reset(step.seq);
      body += text;
      if (isOver) return body;
    }
  }
  return body + endOf(events, shown.endSeq, how);
}

test('whatever was accepted, the events obey the rules of the format', () => {
  fc.assert(
    fc.property(any, (accepted) => {
      const heard = readEvents(streamOf(accepted));
      const resetAt = accepted.steps.findIndex(
        (step, index) =>
          step === null && accepted.steps.slice(0, index).some((before) => (before ?? '') !== ''),
      );
      const told = accepted.steps.slice(0, resetAt < 0 ? undefined : resetAt).map((step) => step ?? '');
      assert.equal(heard.text, told.join(''));
      if (resetAt >= 0) {
        assert.equal(heard.error?.['code'], 'stream_reset');
        return assert.equal(heard.numbers.at(-1), PREAMBLE + resetAt);
      }
      const expected = {
        completed: 'completed',
        length: 'incomplete',
        cancelled: 'cancelled',
        failed: 'failed',
      };
      assert.equal(heard.response?.['status'], expected[accepted.last]);
      const closing = accepted.last === 'failed' ? 1 : 4;
      assert.equal(heard.numbers.length, PREAMBLE + accepted.steps.length + closing);
    }),
    { numRuns: 500 },
  );
});

test('events before a cut and those after it are the uncut sequence, byte for byte', () => {
  fc.assert(
    fc.property(any, fc.nat(), (accepted, at) => {
      const whole = streamOf(accepted);
      const events = eventsOf(whole);
      const cut = (at % (events.length + 1)) - 1;
      const before = events.slice(0, cut + 1).map(({ bytes }) => bytes);
      // Who has the error knows all there is to know, and is told again.
      if (cut === events.length - 1 && events[cut]?.event.type === 'error') return;
      assert.equal(before.join('') + streamOf(accepted, cut), whole);
    }),
    { numRuns: 500 },
  );
});

test('the record tells the same sequence as the deltas, from any cut on', () => {
  fc.assert(
    fc.property(kept, fc.nat(), (accepted, at) => {
      const whole = streamOf(accepted);
      assert.equal(streamOfRecord(accepted), whole);
      const { steps } = accepted;
      // From here on the record says what was streamed: from nowhere if it holds no text.
      const known = steps.every((step) => (step ?? '') === '') ? steps.length : steps.lastIndexOf(null) + 1;
      const count = eventsOf(whole).length;
      const cut = (at % (count + 1)) - 1;
      // Of what precedes that it cannot tell whether it was text, and says that it no longer holds.
      if (cut >= PREAMBLE && cut < PREAMBLE + known) return;
      assert.equal(streamOfRecord(accepted, cut), streamOf(accepted, cut));
    }),
    { numRuns: 500 },
  );
});

test('a client that holds text which was taken back is told so from the record as well', () => {
  const accepted: Accepted = { steps: ['lost', ' words', null, 'kept'], last: 'completed' };
  const live = readEvents(streamOf(accepted));
  assert.deepEqual([live.error?.['code'], live.numbers.at(-1)], ['stream_reset', PREAMBLE + 2]);
  for (const cut of [PREAMBLE, PREAMBLE + 1]) {
    const { error, text } = readEvents(streamOfRecord(accepted, cut), cut);
    assert.deepEqual([error?.['code'], text], ['stream_reset', '']);
  }
  const fresh = readEvents(streamOfRecord(accepted));
  assert.deepEqual([fresh.text, fresh.response?.['status']], ['kept', 'completed']);
});

test('a record without its pieces is told whole to who has nothing, and never cut wrongly', () => {
  const told = (startingAfter: number): string => {
    const events = messageEventsOf(facts, startingAfter);
    return events.delta(0, 'one two three') + events.failed(3, failure).text;
  };
  const whole = readEvents(told(-1));
  assert.deepEqual([whole.text, whole.numbers.length], ['one two three', PREAMBLE + 3 + 1]);
  assert.equal(readEvents(told(PREAMBLE - 1), PREAMBLE - 1).text, 'one two three');
  for (const cut of [PREAMBLE, PREAMBLE + 1])
    assert.equal(readEvents(told(cut), cut).error?.['code'], 'stream_reset');
  // All its deltas are there: only the end is missing.
  assert.deepEqual(readEvents(told(PREAMBLE + 2), PREAMBLE + 2).types, ['response.failed']);
});

test('a delta has the number of its seq, also where nothing is known of those before it', () => {
  const events = messageEventsOf(facts);
  const heard = eventsOf(events.delta(2, 'three')).map(({ event }) => event);
  assert.deepEqual(
    heard.slice(PREAMBLE).map((event) => [event.sequence_number, event['delta']]),
    ['', '', 'three'].map((text, seq) => [PREAMBLE + seq, text]),
  );
});

test('a stream that breaks says so under the last number, so that whoever comes back misses nothing', () => {
  const events = messageEventsOf(facts);
  const body = events.begin() + events.delta(0, 'one');
  const said = eventsOf(body + events.broken(failure)).map(({ event }) => event.sequence_number);
  assert.deepEqual(said, [0, 1, 2, 3, 4, 4]);
  const [silent] = eventsOf(messageEventsOf(facts, 9).broken(failure));
  assert.equal(silent?.event.sequence_number, 9);
});

test('the last event carries the response: text, usage and why it is not whole', () => {
  const whole = readEvents(streamOf({ steps: ['a', 'b'], last: 'completed' })).response;
  assert.deepEqual(whole?.['usage'], {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 1, cache_write_tokens: 0 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 7,
  });
  const item = (whole['output'] as readonly Json[])[0];
  assert.deepEqual(item, {
    id: 'msg_abc',
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [{ type: 'output_text', text: 'ab', annotations: [], logprobs: [] }],
  });
  const cut = readEvents(streamOf({ steps: ['a'], last: 'length' })).response;
  assert.deepEqual(cut?.['incomplete_details'], { reason: 'max_output_tokens' });
  const failed = readEvents(streamOf({ steps: ['a'], last: 'failed' })).response;
  assert.deepEqual(failed?.['error'], { code: 'timeout', message: 'too late' });
});
