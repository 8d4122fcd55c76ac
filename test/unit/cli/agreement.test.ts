import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { agreementOf, wordOverlap } from '../../../cli/models/agreement.ts';
import { readPrompts } from '../../../cli/models/prompts.ts';

describe('agreement', () => {
  test('counts the longest common subsequence of words over both texts', () => {
    // The example of Lin 2004, section 3.1: the common words in order are "police the gunman", 3 of 4 and 4.
    assert.equal(wordOverlap('police killed the gunman', 'police kill the gunman'), 0.75);
    assert.equal(wordOverlap('police killed the gunman', 'the gunman kill police'), 0.5);
    assert.equal(wordOverlap('Größe: 3', 'größe 3!'), 1);
    assert.equal(wordOverlap('a b', 'c d'), 0);
    assert.equal(wordOverlap('', '…'), 1);
  });

  test('is told over all prompts', () => {
    assert.deepEqual(agreementOf(['a b', ' c '], ['x', 'c']), { identical: 0.5, overlap: 0.5 });
  });

  test('has eight to twelve prompts of its own, each with another name', async () => {
    const prompts = await readPrompts();
    assert.ok(prompts.length >= 8 && prompts.length <= 12);
    assert.equal(new Set(prompts.map(({ name }) => name)).size, prompts.length);
  });

  test('says what is wrong with a file of prompts', async () => {
    await assert.rejects(readPrompts(import.meta.filename), { code: 'bad_prompts' });
  });
});
