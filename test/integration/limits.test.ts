import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { parseConfig } from '../../runtime/config.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { writeModels, type ModelsFile } from '../support/models-file.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { seededRandom } from '../support/random.ts';
import { limitsAt, type LimitsView } from '../support/limits-view.ts';
import { readTopic } from '../support/read-topic.ts';
import { kill9 } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/**
 * P21: money is counted from what workers did, stopped and failed answers included, and a tenant exceeds a limit by no more
 * than what was in flight; rates and streams hold over two gateways.
 */

const PRICE = { inputPerMillion: 100, outputPerMillion: 1_000, currency: 'USD' };
const KEYS: Readonly<Record<string, object>> = {
  rate: { tenant: 'rate', principal: 'ann', limits: { requests_per_minute: 3 } },
  streams: { tenant: 'streams', principal: 'ann' },
  tokens: { tenant: 'tokens', principal: 'ann', limits: { tokens_per_minute: 1_000 } },
  money: { tenant: 'money', principal: 'ann' },
  colleague: { tenant: 'money', principal: 'bob' },
  storm: { tenant: 'storm', principal: 'ann', limits: { spend_per_day: 1_000, concurrent_streams: 500 } },
  none: { tenant: 'none', principal: 'ann', limits: { concurrent_streams: 0 } },
  free: { tenant: 'free', principal: 'ann' },
};
const TENANTS = {
  streams: { limits: { concurrent_streams: 2 } },
  money: { limits: { spend_per_day: 0.1 } },
};

let platform: Platform;
let models: ModelsFile;
let first: string;
let second: string;
let env: Readonly<Record<string, string>>;

before(async () => {
  platform = await startPlatform({ roles: [] });
  const keysFile = join(platform.dataDir, 'keys.json');
  const keys = Object.fromEntries(
    Object.entries(KEYS).map(([key, entry]) => [createHash('sha256').update(key).digest('hex'), entry]),
  );
  await writeFile(keysFile, JSON.stringify({ keys, tenants: TENANTS }));
  models = await writeModels([{ id: 'scripted', engine: 'scripted', price: PRICE }]);
  env = { STENO_KEYS_FILE: keysFile, STENO_MODELS_FILE: models.path };
  await Promise.all(
    ['processors', 'inference-worker', 'projections'].map((role) => platform.start(role, env)),
  );
  first = (await platform.start('gateway', env)).address ?? '';
  second = await startSecond();
});
after(async () => {
  await platform.stop();
  await models.remove();
});

function chat(
  url: string,
  key: string,
  message: string,
  body: object = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${url}/v1/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ message, ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function codeOf(response: Response): Promise<string> {
  // Every error of ours has this shape.
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return error.code;
}

/** Use of the rate may drain a little between two looks; what was asked at another gateway is there when it shows. */
async function seenBy(url: string, key: string, isThere: (scope: LimitsView) => boolean): Promise<void> {
  await until(`${key} at the other gateway`, async () => isThere(await limitsAt(url, key)));
}

test('requests per minute hold over two gateways, and what is told of them is true', async () => {
  const started = performance.now();
  let accepted = 0;
  let refused: Response | null = null;
  while (refused === null) {
    const response = await chat(accepted % 2 === 0 ? first : second, 'rate', 'hello [[tokens=1]]');
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), '3');
    assert.match(response.headers.get('x-ratelimit-reset-requests') ?? '', /^\d+(\.\d+)?(ms|s)$|^\d+m\d+s$/);
    if (response.status === 429) refused = response;
    else {
      assert.equal(response.status, 200);
      assert.ok(Number(response.headers.get('x-ratelimit-remaining-requests')) <= 2);
      await response.text();
      accepted += 1;
    }
  }
  // What is let in: the limit, what drained since, and one that the other gateway had not heard of.
  const drained = (3 * (performance.now() - started)) / 60_000;
  assert.ok(accepted >= 3 && accepted <= 4 + drained, `${accepted} were let in`);
  const millis = Number(refused.headers.get('retry-after-ms'));
  assert.ok(millis > 0 && millis <= 20_000, `retry-after-ms ${millis}`);
  assert.equal(refused.headers.get('retry-after'), String(Math.ceil(millis / 1000)));
  assert.equal(refused.headers.get('x-ratelimit-remaining-requests'), '0');
  assert.equal(await codeOf(refused), 'rate_limit_exceeded');
});

test('over the WebSocket a refusal says when to come again', async () => {
  const socket = new WebSocket(`${first.replace('http', 'ws')}/v1/chat`, {
    headers: { authorization: 'Bearer none' },
  });
  const frame = await new Promise<Record<string, unknown>>((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'message', id: 'm1', text: 'hello' })));
    // Every frame of ours is a JSON object.
    socket.on('message', (data: Buffer) => resolve(JSON.parse(data.toString()) as Record<string, unknown>));
    socket.on('error', reject);
  });
  socket.terminate();
  assert.deepEqual(
    [frame['type'], frame['id'], frame['code'], frame['retryable']],
    ['error', 'm1', 'rate_limit_exceeded', true],
  );
  assert.ok(Number(frame['retry_after_ms']) > 0);
});

test('answers at once: a third waits until one has ended, at whichever gateway', async () => {
  const long = 'a long one [[tokens=1000 pace=20]]';
  const held = await Promise.all([first, second].map((url) => chat(url, 'streams', long)));
  const ids = held.map((response) => response.headers.get('x-steno-inference'));
  for (const url of [first, second])
    await seenBy(url, 'streams', (scope) => scope.concurrent_streams?.used === 2);
  for (const url of [first, second]) {
    const refused = await chat(url, 'streams', 'a third');
    assert.deepEqual([refused.status, await codeOf(refused)], [429, 'rate_limit_exceeded']);
  }
  const stopped = await fetch(`${first}/v1/inferences/${ids[1]}/cancel`, {
    method: 'POST',
    headers: { authorization: 'Bearer streams' },
  });
  assert.equal(stopped.status, 202);
  await seenBy(second, 'streams', (scope) => scope.concurrent_streams?.used === 1);
  const third = await chat(second, 'streams', 'a third [[tokens=1]]');
  assert.equal(third.status, 200);
  await third.text();
  for (const response of held) await response.body?.cancel();
  await fetch(`${first}/v1/inferences/${ids[0]}/cancel`, {
    method: 'POST',
    headers: { authorization: 'Bearer streams' },
  });
});

test('tokens: the longest possible answer is reserved, and what it did not need is given back', async () => {
  const slow = await chat(first, 'tokens', 'one [[tokens=30 pace=20]]', { max_tokens: 900 });
  assert.equal(slow.status, 200);
  assert.ok(Number(slow.headers.get('x-ratelimit-remaining-tokens')) <= 100);
  const refused = await chat(first, 'tokens', 'two [[tokens=1]]', { max_tokens: 900 });
  assert.deepEqual([refused.status, await codeOf(refused)], [429, 'rate_limit_exceeded']);
  await slow.text();
  for (const url of [first, second])
    await seenBy(url, 'tokens', (scope) => (scope.tokens_per_minute?.used ?? 1_000) < 200);
  const next = await chat(second, 'tokens', 'two [[tokens=1]]', { max_tokens: 700 });
  assert.equal(next.status, 200);
  await next.text();
});

test('a repeat of a message costs nothing', async () => {
  const headers = {
    ...{ 'content-type': 'application/json', authorization: 'Bearer money', 'idempotency-key': 'once' },
  };
  const body = JSON.stringify({ message: 'the same [[tokens=5]]', max_tokens: 5 });
  const texts: string[] = [];
  for (const url of [first, second, second]) {
    const response = await fetch(`${url}/v1/chat`, { method: 'POST', headers, body });
    assert.equal(response.status, 200);
    texts.push(await response.text());
    await seenBy(url, 'money', (scope) => scope.reserved === 0 && (scope.spend_per_day?.used ?? 0) > 0);
  }
  assert.equal(texts.length, 3);
  assert.ok(Math.abs((await limitsAt(second, 'money')).spend_per_day?.used ?? 0) < 0.02);
});

test('a tenant spends what it may, whoever of it asks, and no more; nothing is forgotten by a killed gateway', async () => {
  const most = TENANTS.money.limits.spend_per_day;
  const statuses: number[] = [];
  for (let turn = 0; turn < 30 && !statuses.includes(429); turn += 1) {
    const [url, key] = turn % 2 === 0 ? [first, 'money'] : [second, 'colleague'];
    const response = await chat(url, key, 'hello [[tokens=10]]', { max_tokens: 10 });
    statuses.push(response.status);
    if (response.status === 429) {
      assert.equal(response.headers.get('x-should-retry'), 'false');
      assert.equal(await codeOf(response), 'insufficient_quota');
    } else await response.text();
  }
  assert.ok(statuses.includes(429), `never refused: ${statuses.join(' ')}`);
  const counted = await spentBy('money');
  assert.ok(counted > 0 && counted <= most, `${counted} of ${most}`);
  for (const url of [first, second])
    await seenBy(url, 'money', (scope) => scope.spend_per_day?.used === counted && scope.reserved === 0);

  const gateway = platform.roles.find(({ name, address }) => name === 'gateway' && address === second);
  assert.ok(gateway !== undefined);
  await kill9(gateway);
  second = await startSecond();
  assert.equal((await limitsAt(second, 'colleague')).spend_per_day?.used, counted);
  const refused = await chat(second, 'money', 'hello [[tokens=10]]', { max_tokens: 10 });
  assert.equal(await codeOf(refused), 'insufficient_quota');
});

test('a storm of disconnects and stops: the ledger equals what workers counted, exactly', async () => {
  const random = seededRandom(6);
  const one = async (index: number): Promise<void> => {
    const url = index % 2 === 0 ? first : second;
    const leave = new AbortController();
    const message = `storm ${index} [[tokens=${random.between(1, 60)} pace=${random.between(1, 20)}]]`;
    const response = await chat(url, 'storm', message, { max_tokens: 100 }, leave.signal);
    assert.equal(response.status, 200);
    const id = response.headers.get('x-steno-inference');
    const wait = random.between(0, 300);
    const kind = random.between(0, 2);
    if (kind === 0) {
      await response.text();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (kind === 1) {
      leave.abort();
      return;
    }
    await fetch(`${url}/v1/inferences/${id}/cancel`, {
      method: 'POST',
      headers: { authorization: 'Bearer storm' },
    });
    await response.body?.cancel();
  };
  await Promise.all(Array.from({ length: 120 }, (_, index) => one(index)));
  for (const url of [first, second])
    await seenBy(url, 'storm', (scope) => scope.concurrent_streams?.used === 0 && scope.reserved === 0);
  const counted = await spentBy('storm');
  assert.ok(counted > 0);
  for (const url of [first, second])
    assert.equal((await limitsAt(url, 'storm')).spend_per_day?.used, counted);
});

test('who has no limits is told none, and pays for none', async () => {
  const response = await chat(first, 'free', 'hello [[tokens=1]]');
  assert.equal(response.status, 200);
  await response.text();
  assert.equal(response.headers.get('x-ratelimit-limit-requests'), null);
  const limits = await fetch(`${first}/v1/limits`, { headers: { authorization: 'Bearer free' } });
  assert.deepEqual(await limits.json(), { currency: 'USD', scopes: [] });
  const admissions = await read('admissions');
  assert.ok(admissions.length > 0);
  assert.ok(admissions.every(({ data }) => !('tenantId' in data) || data.tenantId !== 'free'));
});

/** What workers counted for a tenant, in the currency. */
async function spentBy(tenant: string): Promise<number> {
  const claims = new Map<string, number>();
  for (const { type, data } of await read('turns'))
    if (type === 'UsageRecorded' && data.tenantId === tenant) claims.set(data.claim, data.costNanos);
  return [...claims.values()].reduce((sum, nanos) => sum + nanos, 0) / 1e9;
}

async function read(dataset: 'admissions' | 'turns'): Promise<readonly LoggedEvent[]> {
  const events = await connectEvents(parseConfig(platform.env), 'reader', ['scripted']);
  try {
    return await readTopic(events, topicName(platform.cluster.prefix, datasets[dataset]));
  } finally {
    await events.log.close();
  }
}

async function startSecond(): Promise<string> {
  return (await platform.start('gateway', { ...env, STENO_REPLY_PARTITION: '3' })).address ?? '';
}
