import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ScriptedEngine } from '../../inference-workers/engines/scripted/scripted-engine.ts';
import { answer, aPrompt } from '../contract/engine.ts';
import { ChatClient } from '../support/chat-client.ts';
import {
  cut,
  frame,
  startMisbehavingBackend,
  status,
  type MisbehavingBackend,
} from '../support/misbehaving-backend.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { until } from '../support/until.ts';

/** A conversation with a model behind an API: what its backend does wrong costs attempts, never honesty. */

const MAX_ATTEMPTS = 3;
const KEY = 'sk-a-key-that-nobody-may-see';
let backend: MisbehavingBackend;
let platform: Platform;
let client: ChatClient;

before(async () => {
  backend = await startMisbehavingBackend();
  platform = await startPlatform({
    env: {
      STENO_MODEL: 'openai:name/Over-There',
      OPENAI_BASE_URL: backend.baseUrl,
      OPENAI_API_KEY: KEY,
    },
  });
  client = new ChatClient(() => platform.url());
});
after(async () => {
  client.close();
  await platform.stop();
  await backend.close();
});

async function wholeAnswer(text: string): Promise<string> {
  return (await answer(new ScriptedEngine(), aPrompt({ messages: [{ role: 'user', text }], maxTokens: 500 })))
    .text;
}

test('the worker proved the model with one token and the key before it was ready', () => {
  const [probe] = backend.requests;
  assert.deepEqual([probe?.chat.model, probe?.chat.maxTokens], ['name/Over-There', 1]);
  assert.equal(probe?.authorization, `Bearer ${KEY}`);
});

test('an answer is the backend’s, with its counts', async () => {
  const text = 'How far is the moon? [[tokens=12]]';
  const seen = await client.ask({ text });
  assert.deepEqual([seen.outcome, seen.text], ['completed', await wholeAnswer(text)]);
  const { conversations } = await readRecorded(platform);
  const end = conversations.find(({ type }) => type === 'InferenceCompleted');
  assert.ok(end?.type === 'InferenceCompleted');
  const { engine, model, modelHash, promptTokens, completionTokens } = end.data;
  assert.deepEqual([engine, model, modelHash], ['openai-compatible', 'name-over-there', 'name/Over-There']);
  assert.deepEqual([promptTokens, completionTokens], [6, 12]);
});

test('a request for a pause costs an attempt and nothing else', async () => {
  const asked = backend.requests.length;
  backend.next(status(429, 'rate_limit_exceeded', { 'retry-after-ms': '50' }));
  const text = 'And the sun?';
  const seen = await client.ask({ text });
  assert.deepEqual([seen.outcome, seen.text, seen.resets], ['completed', await wholeAnswer(text), 0]);
  assert.equal(backend.requests.length - asked, 2);
});

test('an answer that was cut is taken back and given again', async () => {
  backend.next(cut(5));
  const text = 'What is between them?';
  const seen = await client.ask({ text });
  assert.deepEqual([seen.outcome, seen.text, seen.resets], ['completed', await wholeAnswer(text), 1]);
});

test('an answer that is always cut fails after three attempts, with what was shown last', async () => {
  const asked = backend.requests.length;
  backend.always(cut(5));
  const text = 'Who was there first?';
  const seen = await client.ask({ text });
  backend.always(null);
  assert.deepEqual([seen.outcome, seen.code], ['failed', 'engine_unavailable']);
  assert.equal(backend.requests.length - asked, MAX_ATTEMPTS);
  assert.ok(seen.text !== '' && (await wholeAnswer(text)).startsWith(seen.text));
});

test('tokens that come several in a piece are paid as the backend counts them', async () => {
  const frames = [
    { choices: [{ index: 0, delta: { content: 'Nine tokens in one piece.' }, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: 7, completion_tokens: 9 } },
  ];
  backend.next(frame(0, frames.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('')));
  const { inferenceId } = await client.ask({ text: 'In one piece, please.' });
  await until('its use is recorded', async () => {
    const { turns } = await readRecorded(platform);
    return turns.some(
      ({ type, data }) =>
        type === 'UsageRecorded' && data.inferenceId === inferenceId && data.completionTokens === 9,
    );
  });
});

test('a backend that fails makes answers fail fast, then they come again by themselves', async () => {
  backend.always(status(500, 'server_error'));
  const failing = await Promise.all([1, 2, 3, 4].map((count) => client.ask({ text: `Again ${count}?` })));
  assert.ok(failing.every(({ outcome, code }) => outcome === 'failed' && code === 'engine_unavailable'));
  const worker = platform.find('inference-worker');
  const breaker = async (): Promise<string> => {
    const text = await (await fetch(`${worker.health}/metrics`)).text();
    return /^steno_external_call_breaker_state{.*} (\d)$/m.exec(text)?.[1] ?? '';
  };
  assert.notEqual(await breaker(), '0');
  backend.always(null);
  await until('the breaker closed', async () => (await breaker()) === '0');
  assert.equal((await client.ask({ text: 'And now?' })).outcome, 'completed');
});

test('the record is whole, and the key is neither in it nor in a log', async () => {
  await until(
    'every turn is measured',
    async () => problemsOf([client], await readRecorded(platform)).length === 0,
  );
  const recorded = JSON.stringify(await readRecorded(platform), (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  assert.ok(!recorded.includes(KEY));
  for (const { name } of platform.roles) {
    assert.ok(!readFileSync(join(platform.dataDir, `${name}.log`), 'utf8').includes(KEY), name);
  }
});
