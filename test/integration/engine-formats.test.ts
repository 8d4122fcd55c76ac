import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Engine } from '../../inference-workers/engine.ts';
import { LlamaCppEngine } from '../../inference-workers/engines/llama-cpp/llama-cpp-engine.ts';
import { StenoError } from '../../runtime/errors.ts';
import { createLogger } from '../../runtime/logger.ts';
import { answer, aPrompt } from '../contract/engine.ts';
import { defaultModel } from '../support/default-model.ts';

/** A real model may only write what its format allows, also from the middle of an answer that somebody else began. */

const logger = createLogger({ role: 'test', level: 'silent' });
const messages = [{ role: 'user', text: 'Describe a person as JSON.' }] as const;
const person = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 20 },
    age: { type: 'integer' },
    likes: { type: 'array', items: { enum: ['rivers', 'mountains'] }, maxItems: 2 },
    spouse: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/named' }] },
  },
  $defs: { named: { type: 'object', properties: { name: { type: 'string', maxLength: 20 } } } },
};
const formatOf = (schema: object) => ({ name: 'person', schema: JSON.stringify(schema) });
const prompt = (schema: object, special: object = {}) =>
  aPrompt({ messages, maxTokens: 200, format: formatOf(schema), ...special });

let engine: LlamaCppEngine;
before(async () => {
  const { modelPath } = await defaultModel();
  engine = new LlamaCppEngine({ modelPath, contextLength: 1024, sequences: 4, threads: 1, logger });
  await engine.start();
});
after(() => engine.stop());

function checkPerson(text: string): void {
  const { name, age, likes, spouse, ...more } = JSON.parse(text) as Record<string, unknown>;
  assert.ok(typeof name === 'string' && name.length <= 20 && Number.isInteger(age));
  assert.ok(Array.isArray(likes) && likes.length <= 2);
  for (const like of likes as readonly unknown[]) assert.ok(like === 'rivers' || like === 'mountains');
  assert.ok(spouse === null || typeof (spouse as { name: unknown }).name === 'string');
  assert.deepEqual(more, {});
}

test('answers keep to their schema, greedy and drawn, several at once, and end by themselves', async () => {
  const answers = await Promise.all(
    [0, 0.7, 1.5, 2].map((temperature, index) =>
      answer(engine, prompt(person, { temperature, seed: index, conversationId: `c${index}` })),
    ),
  );
  for (const { text, end } of answers) {
    assert.equal(end.finishReason, 'stop', text);
    checkPerson(text);
    assert.equal(text.trim(), text);
  }
});

test('any object is an object; a plain answer beside it is plain', async () => {
  const any = answer(engine, prompt({ type: 'object' }, { conversationId: 'any' }));
  const plain = answer(engine, aPrompt({ messages, conversationId: 'plain' }));
  const { text, end } = await any;
  if (end.finishReason === 'stop') assert.equal(typeof JSON.parse(text), 'object');
  else assert.match(text, /^\{/);
  assert.ok((await plain).text.length > 0);
});

test('an answer that was cut anywhere goes on, and is whole', async () => {
  const { text } = await answer(engine, prompt(person, { conversationId: 'whole' }));
  for (const share of [0.1, 0.35, 0.6, 0.9]) {
    const prefix = text.slice(0, Math.floor(text.length * share));
    const rest = await answer(engine, prompt(person, { prefix, prefixTokens: 5, conversationId: 'cut' }));
    checkPerson(prefix + rest.text);
  }
  const nothing = await answer(engine, prompt(person, { prefix: text, prefixTokens: 50 }));
  assert.equal(nothing.text.trim(), '');
});

test('what cannot be kept to fails alone: the engine goes on', async () => {
  const code = async (asked: ReturnType<typeof prompt>): Promise<string> =>
    answer(engine as Engine & LlamaCppEngine, asked).then(
      ({ text }) => `answered ${text}`,
      (error: unknown) => (error instanceof StenoError ? error.code : String(error)),
    );
  const { processId } = engine;
  const itself = { type: 'object', $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } };
  assert.equal(await code(prompt(itself)), 'engine_failed');
  assert.equal(await code(prompt(person, { prefix: 'Sure!', prefixTokens: 2 })), 'engine_failed');
  const large = {
    type: 'object',
    properties: {
      a: {
        type: 'array',
        minItems: 400,
        items: { type: 'array', maxItems: 500, items: { type: 'string', maxLength: 2000 } },
      },
    },
  };
  assert.match(await code(prompt(large, { maxTokens: 20 })), /^(engine_failed|answered)/);
  checkPerson((await answer(engine, prompt(person, { conversationId: 'after' }))).text);
  assert.equal(engine.processId, processId);
});
