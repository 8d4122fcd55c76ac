import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Prompt } from '../../inference-workers/engine.ts';
import { LlamaCppEngine } from '../../inference-workers/engines/llama-cpp/llama-cpp-engine.ts';
import { createLogger } from '../../runtime/logger.ts';
import type { ToolUse } from '../../schemas/generated/types.ts';
import { readToolCalls } from '../../streams/tool-calls.ts';
import { answer, aPrompt } from '../contract/engine.ts';
import { defaultModel } from '../support/default-model.ts';

/** A real model calls tools in no other words than those that everybody reads, also from the middle of a call. */

const logger = createLogger({ role: 'test', level: 'silent' });
const messages = [{ role: 'user', text: 'What is the weather in Paris, and what is 2 + 3?' }] as const;
const weather = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 20 }, unit: { $ref: '#/$defs/unit' } },
  $defs: { unit: { enum: ['celsius', 'fahrenheit'] } },
};
const add = {
  type: 'object',
  properties: { a: { $ref: '#/$defs/unit' }, b: { type: 'integer' } },
  $defs: { unit: { type: 'integer' } },
};
const use = (special: Partial<ToolUse> = {}): ToolUse => ({
  tools: [
    { name: 'get_weather', description: 'Weather of a city.', schema: JSON.stringify(weather) },
    { name: 'add', description: 'Adds two numbers.', schema: JSON.stringify(add) },
  ],
  choice: 'required',
  name: null,
  parallel: false,
  ...special,
});
const prompt = (tools: ToolUse, special: Partial<Prompt> = {}): Prompt =>
  aPrompt({ messages, maxTokens: 150, tools, conversationId: JSON.stringify(tools), ...special });

let engine: LlamaCppEngine;
before(async () => {
  const { modelPath } = await defaultModel();
  engine = new LlamaCppEngine({ modelPath, contextLength: 2048, sequences: 4, threads: 1, logger });
  await engine.start();
});
after(() => engine.stop());

function checkCall(text: string): string {
  const { text: said, calls } = readToolCalls(text);
  assert.equal(said, '', text);
  assert.equal(calls.length, 1, text);
  const { name = '', arguments: given = '' } = calls[0] ?? {};
  const values = JSON.parse(given) as Record<string, unknown>;
  if (name === 'add') assert.ok(Number.isInteger(values['a']) && Number.isInteger(values['b']), given);
  else {
    assert.ok(['celsius', 'fahrenheit'].includes(String(values['unit'])), given);
    assert.equal(typeof values['city'], 'string');
  }
  assert.equal(Object.keys(values).length, 2);
  return name;
}

test('a call that is required comes, greedy and drawn; one that is named is that one', async () => {
  for (const temperature of [0, 1.5]) {
    const { text, end } = await answer(engine, prompt(use(), { temperature, seed: 3 }));
    assert.equal(end.finishReason, 'stop', text);
    checkCall(text);
    for (const name of ['add', 'get_weather']) {
      const named = await answer(engine, prompt(use({ choice: 'named', name }), { temperature, seed: 4 }));
      assert.equal(checkCall(named.text), name);
    }
  }
});

test('a call that was cut anywhere goes on, and is whole; one that is free is bound once it begins', async () => {
  const { text } = await answer(engine, prompt(use()));
  for (const choice of ['required', 'auto'] as const) {
    for (const share of [0.05, 0.2, 0.4, 0.6, 0.9]) {
      const cut = text.slice(0, Math.floor(text.length * share));
      const prefix = choice === 'auto' && cut.length < '<tool_call>'.length ? '<tool_call>' : cut;
      const rest = await answer(engine, prompt(use({ choice }), { prefix, prefixTokens: 5 }));
      checkCall(prefix + rest.text);
    }
  }
});

test('several calls at once are calls all the same; a text beside tools is free', async () => {
  const many = await answer(
    engine,
    prompt(use({ parallel: true }), { maxTokens: 120, temperature: 1, seed: 5 }),
  );
  assert.equal(readToolCalls(many.text).text, '');
  assert.ok(readToolCalls(many.text).calls.length > 0, many.text);
  const free = await answer(engine, prompt(use({ choice: 'auto' }), { prefix: 'The sea is', maxTokens: 20 }));
  assert.ok(free.text.length > 0);
  const told = await answer(
    engine,
    prompt(use({ choice: 'auto' }), { prefix: '<tool_call>no JSON', maxTokens: 20 }),
  );
  assert.ok(told.text.length > 0, 'what begins like a call and is none is text');
});

test('results of tools, and calls of before, are read', async () => {
  const { end } = await answer(
    engine,
    prompt(use({ choice: 'auto' }), {
      messages: [
        ...messages,
        { role: 'assistant', text: '<tool_call>{"name": "add", "arguments": {"a": 2, "b": 3}}</tool_call>' },
        { role: 'tool', text: '5' },
      ],
      maxTokens: 10,
    }),
  );
  assert.ok(end.promptTokens > 100);
});
