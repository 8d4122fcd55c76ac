import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { collect } from '../support/collect.ts';
import { kill9 } from '../support/role-process.ts';
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

const person = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 30 },
    age: { type: 'integer' },
    notes: { type: 'array', items: { type: 'string', maxLength: 80 }, minItems: 6, maxItems: 12 },
  },
  required: ['name', 'age', 'notes'],
  additionalProperties: false,
};

function checkPerson(text: string): void {
  const { name, age, notes } = JSON.parse(text) as Record<string, unknown>;
  assert.ok(typeof name === 'string' && Number.isInteger(age), text);
  assert.ok(Array.isArray(notes) && notes.length >= 6, text);
}

test(
  'an answer that has to be JSON is JSON of its schema, streamed, whole and as a response',
  { timeout: 120_000 },
  async () => {
    const client = new OpenAI({ apiKey: openai.apiKey, baseURL: openai.baseURL });
    const messages = [{ role: 'user' as const, content: 'Describe a sailor as JSON.' }];
    const asked = {
      ...{ model: MODEL, messages, max_completion_tokens: 900, temperature: 0 },
      response_format: {
        type: 'json_schema' as const,
        json_schema: { name: 'person', strict: true, schema: person },
      },
    };
    const whole = await client.chat.completions.create(asked);
    assert.equal(whole.choices[0]?.finish_reason, 'stop');
    checkPerson(whole.choices[0].message.content ?? '');
    const chunks = await collect(await client.chat.completions.create({ ...asked, stream: true }));
    checkPerson(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''));

    const format = { type: 'json_schema' as const, name: 'person', strict: true, schema: person };
    const made = await client.responses.create({
      ...{
        model: MODEL,
        input: 'Describe a cook as JSON.',
        max_output_tokens: 900,
        text: { format },
        temperature: 0,
      },
    });
    checkPerson(made.output_text);
    assert.deepEqual(made.text?.format, format);
    const found = await client.responses.retrieve(made.id);
    assert.deepEqual(found.text?.format, format);
  },
);

test(
  'a worker that dies in the middle of JSON is followed by one that ends it',
  { timeout: 120_000 },
  async () => {
    const client = new OpenAI({ apiKey: openai.apiKey, baseURL: openai.baseURL });
    const stream = await client.chat.completions.create({
      ...{ model: MODEL, max_completion_tokens: 900, stream: true as const },
      messages: [{ role: 'user', content: 'Describe a pilot as JSON.' }],
      response_format: { type: 'json_schema', json_schema: { name: 'person', schema: person } },
    });
    let text = '';
    let killed = false;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (killed || text.length < 40) continue;
      killed = true;
      await kill9(openai.platform.find('inference-worker'));
      void openai.platform.start('inference-worker');
    }
    assert.ok(killed);
    checkPerson(text);
    const attempts = (await openai.conversations()).filter(({ type }) => type === 'AttemptStarted');
    assert.equal(attempts.length, 1, 'it was taken over, not begun anew');
  },
);

test('what a format cannot be kept to is refused by its place', async () => {
  const client = new OpenAI({ apiKey: openai.apiKey, baseURL: openai.baseURL, maxRetries: 0 });
  const schema = { type: 'object', properties: { a: { type: 'string', pattern: '^x' } } };
  await assert.rejects(
    client.chat.completions.create({
      ...{ model: MODEL, messages: [{ role: 'user', content: 'x' }] },
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema } },
    }),
    { status: 400, param: 'response_format.json_schema.schema.properties.a.pattern' },
  );
});
