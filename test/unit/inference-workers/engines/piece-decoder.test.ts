import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPieceDecoder } from '../../../../inference-workers/engines/llama-cpp/piece-decoder.ts';

/** Every token is one byte, as in the worst case of a byte-level tokenizer. */
const bytes = (tokens: readonly number[]): string => Buffer.from(tokens).toString('utf8');

test('a character of four tokens comes out whole', () => {
  const decoder = createPieceDecoder(bytes, []);
  const pieces = [...Buffer.from('a🙂é')].map((token) => decoder.push(token));
  assert.deepEqual(pieces, ['a', '', '', '', '🙂', '', 'é']);
});

test('bytes that are no character do not hold back what follows', () => {
  const decoder = createPieceDecoder(bytes, []);
  const text = [0xf0, 0x9f, 0x61, 0x62, 0x63].map((token) => decoder.push(token)).join('');
  assert.ok(text.endsWith('abc'));
});

test('the tokens in front are given to the tokenizer', () => {
  const seen: (readonly number[])[] = [];
  const decoder = createPieceDecoder(
    (tokens, before) => {
      seen.push(before);
      return bytes(tokens);
    },
    [1, 2, 3, 4, 5],
  );
  decoder.push(0x61);
  decoder.push(0x62);
  assert.deepEqual(seen, [
    [2, 3, 4, 5],
    [3, 4, 5, 0x61],
  ]);
});
