import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { responseJson, type ResponseFacts } from '../../../../../gateway/openai/responses/response.ts';
import { toolEventsOf } from '../../../../../gateway/openai/responses/tool-events.ts';
import { endProblem } from '../../../../../gateway/problems.ts';
import { writeToolCall } from '../../../../../streams/tool-calls.ts';
import { eventsOf, type Json } from './event-rules.ts';

/** The events of an answer with calls put together are the response that is told in one piece, however it was cut. */

const facts: ResponseFacts = {
  inferenceId: 'inf_abc',
  conversationId: 'conv_1',
  createdAt: 1_700_000_000,
  model: 'm',
  instructions: null,
  previousResponseId: null,
  maxOutputTokens: 100,
  format: null,
  tools: {
    tools: [{ name: 'f', description: 'd', schema: '{"type":"object"}' }],
    ...{ choice: 'auto', name: null, parallel: true },
  },
  temperature: 0.7,
  topP: 1,
  metadata: {},
};
const end = {
  ...{ outcome: 'completed' as const, finishReason: 'tool_calls', model: 'm' },
  ...{ promptTokens: 3, completionTokens: 4, cachedTokens: 1 },
};
const failure = endProblem('timeout', 'too late', true);

const call = fc.record({
  name: fc.constantFrom('f', 'get_weather'),
  arguments: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
});
const answers = fc
  .record({
    said: fc.constantFrom('', 'Let me look.', 'a < b\n'),
    calls: fc.array(call, { maxLength: 3 }),
    cuts: fc.array(fc.nat({ max: 300 }), { maxLength: 8 }),
  })
  .map(({ said, calls, cuts }) => {
    const text = [said, ...calls.map(writeToolCall)].filter((piece) => piece !== '').join('\n');
    const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
    return { text, pieces: places.slice(1).map((at, index) => text.slice(places[index], at)) };
  });

function bodyOf(pieces: readonly string[], startingAfter = -1, fails = false): string {
  const events = toolEventsOf(facts, startingAfter);
  let body = events.begin();
  for (const [seq, piece] of pieces.entries()) body += events.delta(seq, piece);
  const last = fails ? events.failed(pieces.length, failure) : events.end(pieces.length, end);
  assert.ok(last.isOver);
  return body + last.text;
}

/** Puts the output together as an SDK does: from the items that are added, and what is said of each. */
function outputOf(events: readonly Json[]): readonly Json[] {
  const items: Json[] = [];
  const texts: string[] = [];
  for (const event of events) {
    const at = Number(event['output_index']);
    if (event['type'] === 'response.output_item.added') {
      assert.equal(at, items.length, 'items are counted');
      items.push(event['item'] as Json);
      texts.push('');
    }
    if (String(event['type']).endsWith('.delta')) {
      assert.equal(event['item_id'], items[at]?.['id']);
      assert.equal(at, items.length - 1, 'one item after the other');
      texts.splice(at, 1, (texts[at] ?? '') + String(event['delta']));
    }
    if (event['type'] === 'response.output_text.done') assert.equal(event['text'], texts[at]);
    if (event['type'] === 'response.function_call_arguments.done')
      assert.equal(event['arguments'], texts[at]);
    if (event['type'] === 'response.output_item.done') items.splice(at, 1, event['item'] as Json);
  }
  return items;
}

test('what is told piece by piece is what is told at once', () => {
  fc.assert(
    fc.property(answers, ({ text, pieces }) => {
      const events = eventsOf(bodyOf(pieces)).map(({ event }) => event as Json);
      assert.deepEqual(
        events.map((event) => event['sequence_number']),
        [...events.keys()],
      );
      const whole = responseJson(facts, { type: 'ended', text, end });
      const output = outputOf(events);
      // A message without a word is there in both, so that an answer is never nothing at all.
      assert.deepEqual(output, JSON.parse(JSON.stringify(whole['output'])));
      assert.deepEqual((events.at(-1)?.['response'] as Json)['output'], output);
    }),
    { numRuns: 300 },
  );
});

test('a stream that goes on after a number is the rest of the same, byte for byte', () => {
  fc.assert(
    fc.property(answers, fc.nat({ max: 20 }), fc.boolean(), ({ pieces }, after, fails) => {
      const whole = eventsOf(bodyOf(pieces, -1, fails));
      const at = Math.min(after, whole.length - 2);
      const rest = whole.slice(at + 1).map(({ bytes }) => bytes);
      assert.equal(bodyOf(pieces, at, fails), rest.join(''));
    }),
    { numRuns: 300 },
  );
});

test('text that is taken back ends the stream; a record that is cut otherwise is not gone on with', () => {
  const events = toolEventsOf(facts);
  events.delta(0, '<tool_call>');
  assert.ok(events.reset(1).isOver);
  const resumed = toolEventsOf(facts, 4);
  resumed.delta(0, 'all of it at once');
  assert.match(resumed.end(5, end).text, /stream_reset/);
});
