import assert from 'node:assert/strict';

/** What a stream of a response said, told by rules that were written from the format and not from the encoder. */
export type Heard = {
  readonly numbers: readonly number[];
  readonly types: readonly string[];
  readonly text: string;
  /** The response of the last event, or null where an error took its place. */
  readonly response: Json | null;
  readonly error: Json | null;
};

export type Json = Readonly<Record<string, unknown>>;
type Event = Json & { readonly type: string; readonly sequence_number: number };

const OPENING = [
  'response.created',
  'response.in_progress',
  'response.output_item.added',
  'response.content_part.added',
];
const CLOSING = ['response.output_text.done', 'response.content_part.done', 'response.output_item.done'];
const LAST = ['response.completed', 'response.incomplete', 'response.failed', 'error'];

/** Cuts a stream into its events, each with its bytes. Throws where it is not what the standard and the SDKs read. */
export function eventsOf(body: string): readonly { readonly event: Event; readonly bytes: string }[] {
  assert.ok(!body.includes('\r'), 'lines end with \\n alone');
  assert.ok(body === '' || body.endsWith('\n\n'), 'the last event is closed');
  return body
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const lines = block.split('\n').filter((line) => line !== ':');
      const [name = '', data = '', ...more] = lines;
      assert.deepEqual(more, [], 'an event has a name and one line of data');
      assert.ok(name.startsWith('event: ') && data.startsWith('data: '), block.slice(0, 60));
      // The rules below check what it holds.
      const event = JSON.parse(data.slice('data: '.length)) as Event;
      assert.equal(event.type, name.slice('event: '.length), 'the name is the type');
      return { event, bytes: `${lines.join('\n')}\n\n` };
    });
}

/** Reads a whole stream, or the part of it after a number. Throws at the first rule that it breaks. */
export function readEvents(body: string, startingAfter = -1): Heard {
  const events = eventsOf(body).map(({ event }) => event);
  const numbers = events.map((event) => event.sequence_number);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => startingAfter + 1 + index),
    'numbers are dense',
  );
  let text = '';
  for (const [index, event] of events.entries()) {
    const number = startingAfter + 1 + index;
    const fromEnd = events.length - 1 - index;
    if (event.type === 'response.output_text.delta') text += String(event['delta']);
    if (number < OPENING.length && event.type !== 'error') assert.equal(event.type, OPENING[number]);
    if (fromEnd === 0) assert.ok(LAST.includes(event.type), `${event.type} is no end`);
    else assert.ok(!LAST.includes(event.type), `${event.type} is the last`);
    if (startingAfter < 0 && event.type === 'response.output_text.done') assert.equal(event['text'], text);
  }
  const last = events.at(-1);
  const types = events.map(({ type }) => type);
  if (last?.type === 'response.completed' || last?.type === 'response.incomplete') {
    const closing = types.slice(-1 - CLOSING.length, -1);
    assert.deepEqual(closing, CLOSING.slice(CLOSING.length - closing.length));
  }
  if (last?.type === 'error') {
    const error: unknown = last['error'];
    assert.ok(typeof error === 'object' && error !== null && 'code' in error);
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
    assert.deepEqual([error.code, typeof last['message']], [last['code'], 'string']);
  }
  const isError = last?.type === 'error';
  return {
    numbers,
    types,
    text,
    response: isError ? null : ((last?.['response'] as Json | undefined) ?? null),
    error: isError ? last : null,
  };
}
