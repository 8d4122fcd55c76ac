import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Explanation } from '../../../replay/explain/explain.ts';
import { examplesOf } from '../../../replay/training/examples.ts';
import { judgementOf } from '../../../replay/training/judgement.ts';
import { writeExamples } from '../../../replay/training/write-examples.ts';
import { textPart } from '../../../streams/parts.ts';

type Given = Explanation['feedback'][number];
const given = (principal: string, more: Partial<Given>): Given => ({
  ...{ principal, thumb: 0, rating: null, labels: [], comment: null, correction: null, time: 0 },
  ...more,
});
const words = (text: string) => ({ text, sealed: null, keyId: null });

test('the last word of each person counts, a thumb before a rating; people who disagree are no judge', () => {
  const verdict = (...feedback: readonly Given[]) => judgementOf(feedback).verdict;
  assert.equal(verdict(), 'none');
  assert.equal(verdict(given('a', { thumb: 1 })), 'good');
  assert.equal(verdict(given('a', { thumb: 1 }), given('a', { thumb: -1 })), 'bad');
  assert.equal(verdict(given('a', { thumb: 1 }), given('b', { thumb: -1 })), 'disputed');
  assert.equal(verdict(given('a', { rating: 4 }), given('b', { rating: 3 })), 'good');
  assert.equal(verdict(given('a', { rating: 2 })), 'bad');
  assert.equal(verdict(given('a', { thumb: 1, rating: 1 })), 'good');
  assert.equal(judgementOf([given('a', { correction: words('better') })]).correction, 'better');
});

/** An answer, as far as it is looked at here. */
function answer(
  inferenceId: string,
  feedback: readonly Given[],
  more: Partial<Explanation> = {},
): Explanation {
  return {
    ...{ inferenceId, conversationId: 'conv_1', feedback },
    asked: { parameters: { tools: null } },
    prompt: {
      ...{ recordedHash: 'h1', verdict: { type: 'same' } },
      messages: [{ role: 'user', parts: [textPart('why? me@x.org')] }],
    },
    end: { type: 'InferenceCompleted', model: 'small', text: words(`said by ${inferenceId}`) },
    ...more,
  } as unknown as Explanation;
}
const up = [given('a', { thumb: 1 })];
const down = [given('a', { thumb: -1 })];
const clean = (text: string): string => text.replace('me@x.org', '[email]');
const prompt = [{ role: 'user', content: 'why? [email]' }];
const said = (content: string) => ({ role: 'assistant', content });

test('a good answer is a demonstration, and beside a bad one to the same prompt a preference', () => {
  const { examples } = examplesOf([answer('one', up), answer('two', down)], clean);
  assert.deepEqual(
    examples.map(({ kind, line }) => ({ kind, line })),
    [
      { kind: 'demonstrations', line: { messages: [...prompt, said('said by one')] } },
      {
        kind: 'preferences',
        line: { prompt, chosen: [said('said by one')], rejected: [said('said by two')] },
      },
    ],
  );
  assert.deepEqual(examples[1]?.source, {
    ...{ conversationId: 'conv_1', inferenceIds: ['one', 'two'], model: 'small' },
    ...{ promptHash: 'h1', because: 'good and bad' },
  });
  const elsewhere = answer('two', down);
  const other = { ...elsewhere, prompt: { ...elsewhere.prompt, recordedHash: 'h2' } };
  assert.deepEqual(
    examplesOf([answer('one', up), other], clean).examples.map(({ kind }) => kind),
    ['demonstrations'],
  );
});

test('a correction is what should have been said, and better than what was', () => {
  const feedback = [given('a', { thumb: -1, correction: words('ask me@x.org') })];
  const { examples } = examplesOf([answer('one', feedback)], clean);
  assert.deepEqual(
    examples.map(({ line }) => line),
    [
      { messages: [...prompt, said('ask [email]')] },
      { prompt, chosen: [said('ask [email]')], rejected: [said('said by one')] },
    ],
  );
});

test('what cannot be vouched for is left out, and counted by why', () => {
  const { end, prompt: sent } = answer('x', up);
  const { examples, leftOut } = examplesOf(
    [
      answer('disputed', [given('a', { thumb: 1 }), given('b', { thumb: -1 })]),
      answer('cut', up, { end: end === null ? null : { ...end, type: 'InferenceCancelled' } }),
      answer('erased', up, { end: end === null ? null : { ...end, text: { ...end.text, text: null } } }),
      answer('other prompt', up, { prompt: { ...sent, verdict: { type: 'different', manifest: 'same' } } }),
      answer('running', up, { end: null }),
      answer('nobody said anything', [given('a', { comment: words('hm') })]),
    ],
    clean,
  );
  assert.deepEqual(examples, []);
  assert.deepEqual(
    [...leftOut].map(([why, count]) => `${count} ${why}`),
    [
      ...['1 people disagree', '2 it did not come to its end', '1 its text is sealed or erased'],
      '1 its prompt cannot be made again byte for byte',
    ],
  );
});

test('about the share that was asked for is kept for evaluation, always the same conversations', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'steno-examples-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [example] = examplesOf([answer('one', up)], clean).examples;
  assert.ok(example !== undefined);
  const of = (conversationId: string) => ({ ...example, source: { ...example.source, conversationId } });
  const all = Array.from({ length: 1_000 }, (_, number) => of(`conv_${number}`));
  const written = writeExamples(join(folder, 'a'), all, 10);
  const kept = written['demonstrations.eval'] ?? 0;
  assert.ok(kept > 70 && kept < 130, `${kept}`);
  assert.equal(written['demonstrations.train'], 1_000 - kept);
  writeExamples(join(folder, 'b'), all, 10);
  const sums = (name: string): string => readFileSync(join(folder, name, 'SHA256SUMS'), 'utf8');
  assert.equal(sums('a'), sums('b'));
  assert.equal(writeExamples(join(folder, 'c'), all, 0)['demonstrations.eval'], 0);
});
