import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { collect } from '../support/collect.ts';
import { startOpenAiPlatform, type OpenAiPlatform } from '../support/openai-platform.ts';

/** A program that is configured for a well-known model, against the model that really answers. */

const MODEL = 'smollm2-135m-instruct';
let openai: OpenAiPlatform;
before(async () => {
  openai = await startOpenAiPlatform({ STENO_MODEL: MODEL });
});
after(async () => {
  await openai.stop();
});

test(
  'an unchanged program is answered by the default model, streamed and not alike',
  { timeout: 120_000 },
  async () => {
    const client = new OpenAI({ apiKey: openai.apiKey, baseURL: openai.baseURL });
    const asked = {
      model: 'gpt-4o-mini',
      temperature: 0,
      max_completion_tokens: 16,
      messages: [
        { role: 'system' as const, content: 'You answer in one short sentence.' },
        { role: 'user' as const, content: 'What is the capital of France?' },
      ],
    };
    const whole = await client.chat.completions.create(asked);
    assert.equal(whole.model, MODEL);
    const text = whole.choices[0]?.message.content ?? '';
    assert.ok(text.length > 0);
    assert.ok((whole.usage?.prompt_tokens ?? 0) > 10 && (whole.usage?.completion_tokens ?? 99) <= 16);
    const chunks = await collect(await client.chat.completions.create({ ...asked, stream: true }));
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), text);
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, whole.choices[0]?.finish_reason);

    const [, word = ''] = text.split(' ');
    const stopped = await client.chat.completions.create({ ...asked, stop: [` ${word}`] });
    assert.equal(stopped.choices[0]?.message.content, text.slice(0, text.indexOf(` ${word}`)));
    assert.equal(stopped.choices[0].finish_reason, 'stop');
  },
);
