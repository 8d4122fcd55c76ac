import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openTranscript } from '../../../cli/ask/transcript.ts';

describe('a transcript', () => {
  test('writes every delta once', () => {
    const transcript = openTranscript();
    assert.deepEqual(transcript.delta('Hel'), { text: 'Hel', again: false });
    assert.deepEqual(transcript.delta('lo'), { text: 'lo', again: false });
    assert.deepEqual(transcript.end(), { text: '', again: false });
    assert.equal(transcript.text(), 'Hello');
  });

  test('writes nothing twice when the text after a reset repeats what stands there', () => {
    const transcript = openTranscript();
    transcript.delta('one two ');
    transcript.reset();
    assert.deepEqual(transcript.delta('one '), { text: '', again: false });
    assert.deepEqual(transcript.delta('two three'), { text: 'three', again: false });
    assert.deepEqual(transcript.end(), { text: '', again: false });
  });

  test('writes the answer again where the new text differs', () => {
    const transcript = openTranscript();
    transcript.delta('one two');
    transcript.reset();
    transcript.delta('one ');
    assert.deepEqual(transcript.delta('three'), { text: 'one three', again: true });
    assert.deepEqual(transcript.delta(' four'), { text: ' four', again: false });
    assert.deepEqual(transcript.end(), { text: '', again: false });
  });

  test('says so at the end when less is recorded than was shown', () => {
    const transcript = openTranscript();
    transcript.delta('one two');
    transcript.reset();
    transcript.delta('one');
    assert.deepEqual(transcript.end(), { text: 'one', again: true });
  });
});
