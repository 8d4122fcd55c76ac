import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { freePort } from '../../infra/kafka/process/free-port.ts';
import { collect } from '../support/collect.ts';
import { apiOf, type Answered, type Api } from '../support/api.ts';
import { startMisbehavingBackend, type MisbehavingBackend } from '../support/misbehaving-backend.ts';
import { makeKey } from '../support/make-key.ts';
import { writeModels, type ModelsFile } from '../support/models-file.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readRecorded } from '../support/recorded.ts';
import { kill9 } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/** The exact response cache, before a backend that counts what it is asked. */

let backend: MisbehavingBackend;
let platform: Platform;
let models: ModelsFile;
let admin: Api;
const apis = new Map<string, { readonly api: Api; readonly key: string }>();

before(async () => {
  backend = await startMisbehavingBackend();
  models = await writeModels([
    {
      ...{ id: 'cached', engine: 'openai-compatible', cacheSeconds: 3_600 },
      price: { inputPerMillion: 1_000, outputPerMillion: 1_000, currency: 'USD' },
      backend: { baseUrl: backend.baseUrl, model: 'there' },
    },
  ]);
  const port = await freePort('127.0.0.1');
  platform = await startPlatform({
    env: {
      ...{ STENO_MODELS_FILE: models.path, STENO_MODEL: 'cached' },
      ...{ STENO_AUTH: 'required', STENO_ADMIN_PORT: String(port) },
    },
  });
  for (const tenant of ['one', 'two']) {
    const key = await makeKey(platform, tenant, 'ann');
    apis.set(tenant, { key, api: apiOf(platform.url(), key) });
  }
  admin = apiOf(`http://127.0.0.1:${port}`, await makeKey(platform, 'one', 'boss', '--role', 'admin'));
});
after(async () => {
  await platform.stop();
  await backend.close();
  await models.remove();
});

function of(tenant: string): Api {
  return apis.get(tenant)?.api ?? assert.fail();
}

/** Asks, and says how often the backend was asked for it. */
async function complete(
  content: string,
  options: { tenant?: string; body?: object; headers?: Record<string, string> } = {},
): Promise<Answered & { readonly asked: number; readonly cache: string | null }> {
  const before = backend.requests.length;
  const { tenant = 'one', body = {}, headers = {} } = options;
  const answer = await of(tenant).send(
    'POST',
    '/v1/chat/completions',
    { model: 'cached', temperature: 0, messages: [{ role: 'user', content }], ...body },
    headers,
  );
  assert.equal(answer.status, 200, answer.text);
  const cache = answer.headers.get('x-steno-cache');
  return { ...answer, cache, asked: backend.requests.length - before };
}

function textOf({ field }: Answered): unknown {
  return (field('choices') as readonly { message: { content: string } }[])[0]?.message.content;
}

/** Asks until the answer is on the log of answers, and known to the worker. */
async function warm(content: string): Promise<Answered> {
  const first = await complete(content);
  await until('it is cached', async () => (await complete(content)).cache === 'hit');
  return first;
}

test('the same prompt is answered again without the model, word for word, and says so', async () => {
  const question = 'What is the tide? [[tokens=12]]';
  const first = await warm(question);
  assert.equal(first.headers.get('x-steno-cache'), null);
  const again = await complete(question);
  assert.deepEqual([again.asked, again.cache, textOf(again)], [0, 'hit', textOf(first)]);
  assert.deepEqual(again.field('model'), 'cached');
  const usage = again.field('usage') as {
    prompt_tokens: number;
    prompt_tokens_details: { cached_tokens: number };
  };
  assert.equal(usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens);
});

test('it is streamed like a live answer, to OpenAI’s SDK too', async () => {
  const question = 'And streamed? [[tokens=12]]';
  const first = await warm(question);
  const openai = new OpenAI({
    baseURL: `${platform.url()}/v1`,
    apiKey: apis.get('one')?.key ?? '',
    maxRetries: 0,
  });
  const { data, response } = await openai.chat.completions
    .create({
      model: 'cached',
      temperature: 0,
      stream: true,
      messages: [{ role: 'user', content: question }],
    })
    .withResponse();
  const chunks = await collect(data);
  assert.equal(response.headers.get('x-steno-cache'), 'hit');
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), textOf(first));
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'stop');
  const native = await of('one').send('POST', '/v1/chat', { message: question, temperature: 0 });
  assert.match(native.text, /event: done\n.*"cached":true/);
});

test('what differs in tenant, parameters or words is asked anew', async () => {
  const question = 'The same? [[tokens=4]]';
  await warm(question);
  assert.equal((await complete(question, { tenant: 'two' })).asked, 1);
  assert.equal((await complete(question, { body: { temperature: 0.1 } })).asked, 1);
  assert.equal((await complete(question, { body: { max_tokens: 3 } })).asked, 1);
  assert.equal((await complete(`${question} `)).asked, 1);
});

test('Cache-Control asks for less: a new answer, or none older than so', async () => {
  const question = 'How fresh? [[tokens=4]]';
  await warm(question);
  for (const header of ['no-cache', 'no-store', 'max-age=0'])
    assert.equal((await complete(question, { headers: { 'cache-control': header } })).asked, 1, header);
  assert.equal((await complete(question, { headers: { 'cache-control': 'max-age=600' } })).asked, 0);
  await until('it is too old', async () => {
    const { asked } = await complete(question, { headers: { 'cache-control': 'max-age=1' } });
    return asked === 1;
  });
});

test('a turn that is said again is made again', async () => {
  const question = 'Once more? [[tokens=4]]';
  await warm(question);
  const chat = await of('one').send('POST', '/v1/chat', { message: question, temperature: 0 });
  assert.match(chat.text, /"cached":true/);
  const [, message = '', conversation = ''] =
    /"message_id":"([^"]+)","conversation_id":"([^"]+)"/.exec(chat.text) ?? [];
  const ids = { conversation_id: conversation, target_id: message };
  const anew = await of('one').send('POST', '/v1/chat', { kind: 'regenerate', ...ids, temperature: 0 });
  assert.match(anew.text, /event: done/);
  assert.doesNotMatch(anew.text, /"cached":true/);
});

test('it is recorded as what it is, and costs nothing', async () => {
  const { conversations, turns } = await readRecorded(platform);
  const given = conversations.flatMap((event) =>
    event.type === 'InferenceCompleted' && event.data.engine === 'cache' ? [event.data] : [],
  );
  assert.ok(given.length >= 6);
  for (const { inferenceId, model } of given) {
    assert.equal(model, 'cached');
    const used = turns.flatMap((event) =>
      event.type === 'UsageRecorded' && event.data.inferenceId === inferenceId ? [event.data.costNanos] : [],
    );
    assert.deepEqual(used, [0]);
  }
  assert.ok(turns.some((event) => event.type === 'UsageRecorded' && event.data.costNanos > 0));
});

test('an administrator clears it for a tenant, or for one of its models', async () => {
  const question = 'Cleared? [[tokens=4]]';
  for (const query of ['', '?model=cached']) {
    await warm(question);
    // An answer that was made before may come onto the log after the first of these: it is cleared by the next.
    await until('it is asked anew', async () => {
      assert.equal((await admin.send('DELETE', `/v1/tenants/one/cache${query}`)).status, 200);
      return (await complete(question)).asked === 1;
    });
  }
  assert.equal((await admin.send('DELETE', '/v1/tenants/two/cache')).status, 404);
  assert.equal((await admin.send('DELETE', '/v1/tenants/one/cache?model=none')).status, 404);
});

test('a worker that begins anew knows it from the log', async () => {
  const question = 'After a restart? [[tokens=4]]';
  const first = await warm(question);
  await kill9(platform.find('inference-worker'));
  await platform.start('inference-worker');
  const again = await complete(question);
  assert.deepEqual([again.cache, textOf(again)], ['hit', textOf(first)]);
});
