import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Explanation } from '../../../replay/explain/explain.ts';
import { compareAnswer } from '../../../replay/reproduce/compare-answer.ts';
import { reproducibilityOf } from '../../../replay/reproduce/reproducible.ts';

const whole = { text: 'one two three', isWhole: true, finishReason: 'stop' };

function taken(
  recorded: typeof whole | (Omit<typeof whole, 'finishReason'> & { finishReason: null }),
  pieces: readonly string[],
) {
  const comparison = compareAnswer(recorded);
  const wanted = pieces.map((piece) => comparison.take(piece, 1));
  return { comparison, wanted };
}

test('the same pieces, however they are cut, are the same answer', () => {
  for (const pieces of [['one ', 'two ', 'three'], ['one two three'], Array.from('one two three')]) {
    const { comparison, wanted } = taken(whole, pieces);
    assert.ok(wanted.every(Boolean));
    assert.deepEqual(comparison.result('stop'), { type: 'reproduced', tokens: pieces.length });
  }
});

test('the first token that differs is named, and where in the text', () => {
  const { comparison, wanted } = taken(whole, ['one ', 'tree ']);
  assert.deepEqual(wanted, [true, false]);
  assert.deepEqual(comparison.result(null), {
    ...{ type: 'diverged', token: 2, character: 5 },
    ...{ recorded: 'wo three', now: 'ree ' },
  });
});

test('an answer that is shorter, longer or ends otherwise has diverged', () => {
  const short = taken(whole, ['one ', 'two ']).comparison.result('stop');
  assert.deepEqual([short.type, short.type === 'diverged' && short.character], ['diverged', 8]);
  const long = taken(whole, ['one ', 'two ', 'three', ' four']).comparison.result('stop');
  assert.deepEqual([long.type, long.type === 'diverged' && long.token], ['diverged', 4]);
  const cut = taken(whole, ['one two three']).comparison.result('length');
  assert.deepEqual([cut.type, cut.type === 'diverged' && cut.token], ['diverged', 2]);
});

test('an answer that was stopped is compared as far as it came, and no further', () => {
  const stopped = { text: 'one tw', isWhole: false, finishReason: null };
  const { comparison, wanted } = taken(stopped, ['one ', 'two ']);
  assert.deepEqual(wanted, [true, false]);
  assert.deepEqual(comparison.result(null), { type: 'reproduced', tokens: 2 });
  assert.equal(taken(stopped, ['one ', 'six']).comparison.result(null).type, 'diverged');
});

const end = {
  ...{ type: 'InferenceCompleted', how: 'stop', time: 0, attempt: 1, model: 'small', modelHash: 'abc' },
  ...{ engine: 'llama-cpp', templateHash: 'abc', codeVersion: '1', promptTokens: 1, completionTokens: 1 },
  ...{ cachedTokens: 0, textBytes: 3, textHash: '', deltas: 1, firstDeltaMillis: 1 },
  text: { text: 'yes', sealed: null, keyId: null },
};
const parameters = {
  ...{ maxTokens: 10, temperature: 0, topP: 1, seed: null as number | null, stop: [] },
  ...{ format: null, tools: null },
};
/** As far as it is looked at here. */
const answer = {
  ...{ inferenceId: 'inf_1', conversationId: 'conv_1', end, asked: { parameters } },
  prompt: { verdict: { type: 'same' }, messages: [{ role: 'user', parts: [] }] },
} as unknown as Explanation;
const known = { engine: 'llama-cpp', modelHash: 'abc' };

function why(found: Explanation, model: typeof known | null = known): string {
  const result = reproducibilityOf(found, model);
  return result.type === 'reproducible' ? 'reproducible' : result.why;
}
function drawn(seed: number | null, attempt = 1, engine = 'llama-cpp'): Explanation {
  return {
    ...answer,
    asked: { ...answer.asked, parameters: { ...answer.asked.parameters, temperature: 0.7, seed } },
    end: { ...end, attempt, engine },
  };
}

test('what decides an answer has to be known, else it is said what is not', () => {
  assert.equal(why(answer), 'reproducible');
  assert.match(why({ ...answer, end: null }), /has not ended/);
  assert.match(why({ ...answer, end: { ...end, engine: 'cache' } }), /response cache/);
  assert.match(why({ ...answer, end: { ...end, text: { ...end.text, text: null } } }), /sealed or erased/);
  const other = { type: 'different', manifest: 'different' } as const;
  assert.match(
    why({ ...answer, prompt: { ...answer.prompt, verdict: other } }),
    /prompt cannot be made again/,
  );
  assert.match(why(answer, null), /no model small/);
  assert.match(why(answer, { ...known, engine: 'openai-compatible' }), /runs on openai-compatible now/);
  assert.match(why(answer, { ...known, modelHash: 'def' }), /another file now: def/);
});

test('chance is reproduced by its seed, and by one attempt alone', () => {
  assert.match(why(drawn(null)), /without a seed/);
  assert.equal(why(drawn(7)), 'reproducible');
  assert.match(why(drawn(7, 2)), /attempt 2 went on/);
  assert.equal(why(drawn(null, 1, 'scripted'), { ...known, engine: 'scripted' }), 'reproducible');
});

test('an answer that failed or was stopped is compared with what there is of it', () => {
  assert.match(
    why({
      ...answer,
      end: { ...end, type: 'InferenceFailed', how: 'timeout', text: { ...end.text, text: '' } },
    }),
    /failed: timeout/,
  );
  const stopped = reproducibilityOf({ ...answer, end: { ...end, type: 'InferenceCancelled' } }, known);
  assert.deepEqual(stopped.type === 'reproducible' && stopped.recorded, {
    ...{ text: 'yes', isWhole: false, finishReason: null },
  });
});
