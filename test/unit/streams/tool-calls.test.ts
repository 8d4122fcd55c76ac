import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createToolReader,
  readAnswer,
  readToolCalls,
  toolCallId,
  writeToolCall,
  type ToolPiece,
} from '../../../streams/tool-calls.ts';

const call = fc.record(
  {
    name: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
    arguments: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
  },
  { noNullPrototype: true },
);
/** Texts in which marks, brackets and quotes are frequent. */
const wild = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<tool_call>',
        '</tool_call>',
        '{"name": "a", "arguments": ',
        '{',
        '}',
        '"',
        '\\',
        ' ',
        '\n',
      ),
      fc.string({ maxLength: 3 }),
      call.map(writeToolCall),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

/** Neighbouring pieces of one kind as one: how they were cut says nothing. */
function joined(pieces: readonly ToolPiece[]): string {
  let text = '';
  let last = '';
  for (const piece of pieces) {
    const kind = piece.type === 'text' ? 'text' : `${piece.type} ${piece.index}`;
    if (kind !== last) text += `\n[${kind}] `;
    text += piece.type === 'call' ? piece.name : piece.text;
    last = kind;
  }
  return text;
}

test('calls are read as they were written, with what is said around them', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 4 }), fc.constantFrom('', 'Let me look.'), (calls, said) => {
      const text = [said, ...calls.map(writeToolCall)].filter((piece) => piece !== '').join('\n');
      assert.deepEqual(readToolCalls(text), { text: said, calls });
    }),
  );
});

test('however a text is cut, it says the same', () => {
  fc.assert(
    fc.property(wild, fc.array(fc.nat({ max: 200 }), { maxLength: 8 }), (text, cuts) => {
      const whole = createToolReader();
      const expected = joined([...whole.push(text), ...whole.end()]);
      const reader = createToolReader();
      const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      const pieces = places.slice(1).flatMap((end, index) => reader.push(text.slice(places[index], end)));
      assert.equal(joined([...pieces, ...reader.end()]), expected);
    }),
    { numRuns: 500 },
  );
});

test('a text without calls is itself, and comes at once but for what may begin one', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('<tool_call>')),
      (text) => assert.deepEqual(readToolCalls(text), { text, calls: [] }),
    ),
  );
  const reader = createToolReader();
  assert.deepEqual(reader.push('a < b'), [{ type: 'text', text: 'a < b' }]);
  assert.deepEqual(reader.push(' <tool'), []);
  assert.deepEqual(reader.push('box'), [{ type: 'text', text: ' <toolbox' }]);
});

test('arguments come as they are written; a call that was cut has what was there', () => {
  const reader = createToolReader();
  assert.deepEqual(reader.push('<tool_call>{"name": "f", "arg'), []);
  assert.deepEqual(reader.push('uments": {"a'), [
    { type: 'call', index: 0, name: 'f' },
    { type: 'arguments', index: 0, text: '{"a' },
  ]);
  assert.deepEqual(reader.push('": "}'), [{ type: 'arguments', index: 0, text: '": "}' }]);
  assert.deepEqual(reader.end(), []);
  assert.deepEqual(readToolCalls('<tool_call>\n{ "name" : "f" ,\n"arguments" : {} }\n</tool_call>\n').calls, [
    { name: 'f', arguments: '{}' },
  ]);
  assert.deepEqual(readToolCalls('<tool_call>{"name": "f", "arguments": }</tool_call>').calls, [
    { name: 'f', arguments: '' },
  ]);
});

test('what begins like a call and is none is text', () => {
  for (const text of ['<tool_call>', 'a <tool_call>{"name": 5}</tool_call> b', '<tool_call>{"name": "f"'])
    assert.deepEqual(readToolCalls(text), { text, calls: [] });
});

test('ids depend on the inference and the place alone', () => {
  const text = [
    writeToolCall({ name: 'f', arguments: '{}' }),
    writeToolCall({ name: 'g', arguments: '{}' }),
  ].join('\n');
  const calls = readAnswer('inf_1', text).toolCalls;
  assert.deepEqual(
    calls.map(({ id, name }) => [id, name]),
    [
      [toolCallId('inf_1', 0), 'f'],
      [toolCallId('inf_1', 1), 'g'],
    ],
  );
  assert.notEqual(toolCallId('inf_1', 0), toolCallId('inf_2', 0));
});
