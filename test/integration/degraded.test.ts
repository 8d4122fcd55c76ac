import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { sendAnswer } from '../../bench/support/scripted-backend.ts';
import { degradedSentence } from '../../inference-workers/degraded-sentence.ts';
import { ChatClient } from '../support/chat-client.ts';
import {
  cut,
  startMisbehavingBackend,
  status,
  type MisbehavingBackend,
} from '../support/misbehaving-backend.ts';
import { writeModels, type ModelsFile } from '../support/models-file.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { kill9 } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/** The end of a chain: an earlier answer to the same prompt, else a sentence; never billed, never kept, always named. */

let backend: MisbehavingBackend;
let platform: Platform;
let client: ChatClient;
let models: ModelsFile;

before(async () => {
  backend = await startMisbehavingBackend();
  models = await writeModels([
    {
      ...{ id: 'only', engine: 'openai-compatible', cacheSeconds: 1, fallbacks: ['steno-degraded'] },
      price: { inputPerMillion: 1_000, outputPerMillion: 1_000, currency: 'USD' },
      backend: {
        ...{ baseUrl: backend.baseUrl, model: 'there', continues: true },
        breaker: { failures: 5, openMs: 300 },
      },
    },
  ]);
  platform = await startPlatform({ env: { STENO_MODELS_FILE: models.path, STENO_MODEL: 'only' } });
  client = new ChatClient(() => platform.url());
});
after(async () => {
  client.close();
  await platform.stop();
  await backend.close();
  await models.remove();
});

/** One call of the official SDK. */
async function complete(content: string, headers: Readonly<Record<string, string>> = {}) {
  const openai = new OpenAI({ baseURL: `${platform.url()}/v1`, apiKey: 'none', maxRetries: 0 });
  const { data, response } = await openai.chat.completions
    .create({ model: 'only', messages: [{ role: 'user', content }] }, { headers })
    .withResponse();
  return {
    ...{ text: data.choices[0]?.message.content, model: data.model, usage: data.usage },
    cache: response.headers.get('x-steno-cache'),
    inferenceId: response.headers.get('x-steno-inference') ?? '',
  };
}

/** Every answer but the token that proves a worker. */
function failAll(): void {
  backend.always((response, chat, ...rest) =>
    (chat.maxTokens === 1 ? sendAnswer : status(500, 'server_error'))(response, chat, ...rest),
  );
}

async function costsOf(inferenceId: string): Promise<readonly (readonly [string, number])[]> {
  const used = async (): Promise<readonly (readonly [string, number])[]> =>
    (await readRecorded(platform)).turns.flatMap((event) =>
      event.type === 'UsageRecorded' && event.data.inferenceId === inferenceId
        ? [[event.data.model, event.data.costNanos] as const]
        : [],
    );
  await until('its use is counted', async () => (await used()).length > 0);
  return used();
}

test('an earlier answer to the same prompt is given again, however old, and marked', async () => {
  const asked = 'What is the capital of the Moon? [[tokens=12]]';
  const first = await complete(asked);
  assert.deepEqual([first.model, first.cache], ['only', null]);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  failAll();
  const again = await complete(asked);
  assert.deepEqual([again.text, again.model, again.cache], [first.text, 'only', 'hit']);
  assert.deepEqual(await costsOf(again.inferenceId), [['only', 0]]);
  const careful = await complete(asked, { 'cache-control': 'no-store' });
  assert.equal(careful.model, 'steno-degraded', 'who wants no earlier answer gets none');
});

test('else a sentence in the caller’s language, which says who it is, costs nothing and is kept for nobody', async () => {
  for (const [language, locale] of [
    ['de-CH, fr;q=0.5', 'de'],
    ['tlh', 'en'],
  ] as const) {
    const seen = await complete('Never asked before', { 'accept-language': language });
    assert.deepEqual([seen.text, seen.model, seen.cache], [degradedSentence(locale), 'steno-degraded', null]);
    assert.equal(seen.usage?.total_tokens, 0);
    assert.deepEqual(await costsOf(seen.inferenceId), [['steno-degraded', 0]]);
  }
  const socket = await client.ask({ text: 'Over the socket' });
  assert.deepEqual(
    [socket.outcome, socket.text, socket.model],
    ['completed', degradedSentence(null), 'steno-degraded'],
  );
  const { turns, conversations } = await readRecorded(platform);
  const measured = turns.find(
    (event) => event.type === 'TurnMeasured' && event.data.inferenceId === socket.inferenceId,
  );
  assert.ok(measured?.type === 'TurnMeasured');
  assert.deepEqual([measured.data.model, measured.data.answeredBy], ['only', 'steno-degraded']);
  const end = conversations.find(
    (event) => event.type === 'InferenceCompleted' && event.data.inferenceId === socket.inferenceId,
  );
  assert.ok(end?.type === 'InferenceCompleted');
  assert.deepEqual([end.data.model, end.data.engine], ['steno-degraded', 'none']);
});

test('an answer that was begun is not followed by an excuse', async () => {
  // Its breaker closes again first.
  backend.always(null);
  await until('the model answers again', async () => (await client.ask({ text: 'Well?' })).model === 'only');
  failAll();
  backend.next(cut(4));
  const seen = await client.ask({ text: 'Cut short [[tokens=20]]' });
  assert.deepEqual([seen.outcome, seen.resets], ['failed', 0]);
  assert.ok(seen.text !== '' && !seen.text.includes(degradedSentence(null)));
});

test('workers that are killed meanwhile lose nothing and say it once', async () => {
  failAll();
  const asked = Array.from({ length: 30 }, (_, index) => client.ask({ text: `Killed ${index}` }));
  for (let round = 0; round < 2; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    await kill9(platform.find('inference-worker'));
    await platform.start('inference-worker', { STENO_MODEL: 'only' });
  }
  for (const { outcome, text } of await Promise.all(asked))
    assert.deepEqual([outcome, text], ['completed', degradedSentence(null)]);
  backend.always(null);
  assert.deepEqual(problemsOf([client], await readRecorded(platform)), []);
});
