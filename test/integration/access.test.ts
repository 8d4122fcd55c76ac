import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { apiOf, type Api } from '../support/api.ts';
import { makeKey as makeKeyByCommand } from '../support/make-key.ts';
import { mutated } from '../support/mutated.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { seededRandom } from '../support/random.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';
import { until } from '../support/until.ts';

/** Roles, permissions, client tokens, tokens of an identity provider, and the port of administrators. */

const CEILING_MS = 50_000;

let platform: Platform;
let url: string;
let admin: string;
let operator: Api;
let issuer: TokenIssuer;

before(async () => {
  issuer = await startTokenIssuer();
  platform = await startPlatform({
    env: {
      STENO_AUTH: 'required',
      STENO_ADMIN_PORT: '0',
      ...issuer.env,
      STENO_ALLOWED_ORIGINS: 'https://shop.example',
    },
  });
  url = platform.url();
  const log = await readFile(join(platform.dataDir, 'gateway.log'), 'utf8');
  admin = /"address":"(http:[^"]+)","msg":"administrators are served"/.exec(log)?.[1] ?? '';
  // The first administrator is made by command: nobody can be let in by a port that nobody may use.
  operator = apiOf(admin, await makeKeyByCommand(platform, 'operations', 'root', '--role', 'operator'));
  await until('the first key works', async () => (await operator.get('/v1/keys')).status === 200);
});
after(async () => {
  await platform.stop();
  await issuer.stop();
});

async function makeKey(order: object, maker: Api = operator): Promise<{ id: string; api: Api; key: string }> {
  const made = await maker.send('POST', '/v1/keys', order);
  assert.equal(made.status, 201, made.text);
  const key = String(made.field('key'));
  const api = apiOf(url, key);
  await until('the key is known', async () => (await api.get('/status.json')).status !== 401);
  return { id: String(made.field('id')), api, key };
}

async function clientToken(api: Api, body: object): Promise<string> {
  const made = await api.send('POST', '/v1/client-tokens', body);
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers.get('cache-control'), 'no-store');
  return String(made.field('token'));
}

test('an operator makes, lists, rotates and withdraws keys of every tenant', async () => {
  const { id, api } = await makeKey({ tenant: 'acme', principal: 'shop', limits: { concurrent_streams: 9 } });
  assert.match((await api.get('/v1/limits')).text, /"concurrent_streams":\{"limit":9/);
  const listed = await operator.get('/v1/keys?tenant=acme');
  assert.match(listed.text, new RegExp(`"id":"${id}".*"principal":"shop".*"role":"user".*"actor":"key:`));
  assert.doesNotMatch(listed.text, /mac|sk-steno/);
  const rotated = await operator.send('POST', `/v1/keys/${id}/rotate`, { grace_seconds: 600 });
  const next = apiOf(url, String(rotated.field('key')));
  await until('the new key works', async () => (await next.get('/v1/limits')).status === 200);
  assert.equal((await api.get('/v1/limits')).status, 200);
  assert.equal((await operator.send('DELETE', `/v1/keys/${id}`)).status, 200);
  await until('the old key stopped', async () => (await api.get('/v1/limits')).status === 401);
  const page = await operator.get('/v1/keys?limit=1');
  assert.equal((page.field('items') as unknown[]).length, 1);
  assert.equal(typeof page.field('next'), 'string');
});

test('an administrator manages its own tenant and no other, and makes no operator', async () => {
  const { key } = await makeKey({ tenant: 'one', principal: 'boss', role: 'admin' });
  const other = await makeKey({ tenant: 'two', principal: 'shop' });
  const boss = apiOf(admin, key);
  assert.equal((await boss.send('POST', '/v1/keys', { tenant: 'two', principal: 'x' })).status, 404);
  assert.equal((await boss.get('/v1/keys?tenant=two')).status, 404);
  assert.equal((await boss.send('POST', `/v1/keys/${other.id}/rotate`, {})).status, 404);
  assert.equal((await boss.send('DELETE', `/v1/keys/${other.id}`)).status, 404);
  assert.equal((await boss.send('PUT', '/v1/tenants/two', {})).status, 404);
  assert.doesNotMatch((await boss.get('/v1/keys')).text, /"two"/);
  assert.doesNotMatch((await boss.get('/v1/tenants')).text, /"two"/);
  const greedy = await boss.send('POST', '/v1/keys', { principal: 'x', role: 'operator' });
  assert.equal(greedy.status, 403);
  assert.match(greedy.text, /"param":"role"/);
  await makeKey({ principal: 'own' }, boss);
  assert.equal(
    (await boss.send('PUT', '/v1/tenants/one', { limits: { concurrent_streams: 0 } })).status,
    200,
  );
  await until('the limit is told', async () =>
    /"concurrent_streams":0/.test((await boss.get('/v1/tenants')).text),
  );
});

test('the port of administrators takes nobody else, and theirs cannot chat', async () => {
  const { key } = await makeKey({ tenant: 'acme', principal: 'shop' });
  assert.equal((await apiOf(admin, null).get('/v1/keys')).status, 401);
  const refused = await apiOf(admin, key).get('/v1/keys');
  assert.equal(refused.status, 403);
  assert.match(refused.text, /permission_denied/);
  const boss = await makeKey({ tenant: 'acme', principal: 'boss', role: 'admin' });
  assert.equal((await boss.api.send('POST', '/v1/chat', { message: 'hello' })).status, 403);
  assert.equal((await boss.api.get('/v1/conversations')).status, 403);
  assert.equal((await boss.api.get('/status.json')).status, 200);
  assert.equal((await apiOf(admin, null).get('/openapi.json')).status, 200);
  const bad = await operator.send('POST', '/v1/keys', { principal: 'a b', colour: 1 });
  assert.equal(bad.status, 400);
  const unknown = await operator.send('POST', '/v1/keys', { principal: 'x', models: ['none'] });
  assert.equal(unknown.status, 404);
  assert.match(unknown.text, /"param":"models"/);
});

test('a key calls its routes and names its models, and sees no others', async () => {
  const { api } = await makeKey({ tenant: 'acme', principal: 'narrow', routes: ['/v1/chat*'] });
  assert.equal((await api.send('POST', '/v1/chat', { message: 'hi [[tokens=1]]' })).status, 200);
  const refused = await api.get('/v1/conversations');
  assert.equal(refused.status, 403);
  assert.match(refused.text, /GET \/v1\/conversations/);
  const bounded = await makeKey({ tenant: 'acme', principal: 'bounded', models: ['smollm2-135m-instruct'] });
  const models = await bounded.api.get('/v1/models');
  assert.doesNotMatch(models.text, /"id":"scripted"/);
  assert.equal((await bounded.api.get('/v1/models/scripted')).status, 404);
  for (const [path, body] of [
    ['/v1/chat', { message: 'hi' }],
    ['/conversation', { message: 'hi', model_type: 'scripted' }],
    ['/v1/chat/completions', { model: 'scripted', messages: [{ role: 'user', content: 'hi' }] }],
    ['/v1/responses', { model: 'scripted', input: 'hi' }],
  ] as const) {
    const answer = await bounded.api.send('POST', path, body);
    assert.equal(answer.status, 404, path);
    assert.match(answer.text, /model_not_found/, path);
  }
});

test('an auditor reads what all of the tenant said, and changes nothing', async () => {
  const user = await makeKey({ tenant: 'audited', principal: 'ann' });
  const auditor = await makeKey({ tenant: 'audited', principal: 'eve', role: 'auditor' });
  const chat = await user.api.send('POST', '/v1/chat', { message: 'a canary [[tokens=3]]' });
  const id = chat.headers.get('x-steno-inference') ?? '';
  const conversations = await auditor.api.get('/v1/conversations');
  const [found] = conversations.field('items') as readonly { readonly id: string }[];
  assert.ok(found !== undefined);
  assert.match((await auditor.api.get(`/v1/conversations/${found.id}`)).text, /a canary/);
  assert.match((await auditor.api.get(`/v1/inferences/${id}/stream`)).text, /event: done/);
  for (const [method, path, body] of [
    ['POST', '/v1/chat', { message: 'hello' }],
    ['POST', '/v1/feedback', { inference_id: id, thumb: 1 }],
    ['POST', `/v1/inferences/${id}/cancel`, {}],
    ['POST', '/v1/client-tokens', { user: 'x' }],
  ] as const)
    assert.equal((await auditor.api.send(method, path, body)).status, 403, path);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/chat`, {
    headers: { authorization: `Bearer ${auditor.key}` },
  });
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 4403);
  const peer = await makeKey({ tenant: 'audited', principal: 'bob' });
  assert.equal((await peer.api.get(`/v1/conversations/${found.id}`)).status, 404);
});

test('a client token chats as its user from a page, and may not make another', async () => {
  const shop = await makeKey({ tenant: 'acme', principal: 'shop' });
  const alice = apiOf(url, await clientToken(shop.api, { user: 'alice' }));
  const bob = apiOf(url, await clientToken(shop.api, { user: 'bob' }));
  const chat = await alice.send('POST', '/v1/chat', { message: 'mine [[tokens=2]]' });
  assert.equal(chat.status, 200);
  const id = chat.headers.get('x-steno-inference') ?? '';
  assert.equal((await alice.get(`/v1/inferences/${id}/stream`)).status, 200);
  assert.equal((await bob.get(`/v1/inferences/${id}/stream`)).status, 404);
  assert.equal((await shop.api.get(`/v1/inferences/${id}/stream`)).status, 404);
  assert.equal((await alice.send('POST', '/v1/client-tokens', { user: 'bob' })).status, 403);
  assert.equal((await alice.get('/status.json')).status, 403);
  for (const wrong of [{}, { user: 'a b' }, { user: 'a', ttl_seconds: 601 }, { user: 'a', tenant: 'two' }])
    assert.equal((await shop.api.send('POST', '/v1/client-tokens', wrong)).status, 400);
  const preflight = await fetch(`${url}/v1/chat`, {
    method: 'OPTIONS',
    headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
  });
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://shop.example');
  const foreign = await fetch(`${url}/v1/models`, { headers: { origin: 'https://evil.example' } });
  assert.equal(foreign.status, 403);
});

test('a client token ends with its time and with its key, on open sockets too', async () => {
  const shop = await makeKey({ tenant: 'acme', principal: 'shop' });
  const short = await clientToken(shop.api, { user: 'alice', ttl_seconds: 1 });
  await until('it is over', async () => (await apiOf(url, short).get('/v1/limits')).status === 401);
  const token = await clientToken(shop.api, { user: 'alice' });
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/chat`, [`steno.key.${token}`, 'steno']);
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'message', id: 'm', text: 'long [[tokens=2000 pace=50]]' }));
  await once(socket, 'message');
  // A fresh token of the same user carries the connection on; another user's does not.
  socket.send(JSON.stringify({ type: 'auth', key: await clientToken(shop.api, { user: 'alice' }) }));
  await once(socket, 'message');
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(CEILING_MS) });
  await operator.send('DELETE', `/v1/keys/${shop.id}`);
  assert.equal(((await closed) as [number])[0], 4401);
  assert.equal((await apiOf(url, token).get('/v1/limits')).status, 401);
});

test('a connection belongs to one caller', async () => {
  const shop = await makeKey({ tenant: 'acme', principal: 'shop' });
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/chat`);
  await once(socket, 'open');
  for (const user of ['alice', 'bob'])
    socket.send(JSON.stringify({ type: 'auth', key: await clientToken(shop.api, { user }) }));
  assert.equal(((await once(socket, 'close')) as [number])[0], 4401);
});

test('a token of the identity provider names user and tenant; what is wrong with one is refused', async () => {
  const ann = apiOf(url, await issuer.sign());
  const chat = await ann.send('POST', '/v1/chat', { message: 'hello [[tokens=1]]' });
  assert.equal(chat.status, 200, chat.text);
  const auditor = apiOf(url, await issuer.sign({ sub: 'eve', steno_role: 'auditor' }));
  assert.equal((await auditor.send('POST', '/v1/chat', { message: 'hello' })).status, 403);
  const id = chat.headers.get('x-steno-inference') ?? '';
  assert.equal((await auditor.get(`/v1/inferences/${id}/stream`)).status, 200);
  const elsewhere = apiOf(url, await issuer.sign({ tenant: 'other', sub: 'auth0|ann' }));
  assert.equal((await elsewhere.get(`/v1/inferences/${id}/stream`)).status, 404);
  for (const [what, token] of Object.entries(await issuer.forged()))
    assert.equal((await apiOf(url, token).get('/v1/limits')).status, 401, what);
  assert.equal(
    (await apiOf(admin, await issuer.sign({ steno_role: 'operator' })).get('/v1/keys')).status,
    401,
  );
  assert.equal((await ann.send('POST', '/v1/client-tokens', { user: 'x' })).status, 403);
});

test('tokens of the identity provider open WebSockets, with what was sent before they were checked', async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/chat`);
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'auth', key: await issuer.sign() }));
  socket.send(JSON.stringify({ type: 'message', id: 'm', text: 'hello [[tokens=1]]' }));
  const [frame] = (await once(socket, 'message')) as [Buffer];
  assert.match(frame.toString(), /"accepted"/);
  socket.close();
});

test('2,000 tokens that differ in a character are refused', async () => {
  const random = seededRandom(18);
  const shop = await makeKey({ tenant: 'acme', principal: 'shop' });
  const tokens = [await issuer.sign(), await clientToken(shop.api, { user: 'alice' })];
  for (let tried = 0; tried < 2_000; tried += 50) {
    const batch = Array.from({ length: 50 }, (_, index) => {
      const token = tokens[index % 2] ?? '';
      const text = mutated(token, random);
      return text === token ? `${text}x` : text;
    });
    const answers = await Promise.all(batch.map((text) => apiOf(url, text).get('/v1/limits')));
    for (const [index, { status }] of answers.entries()) assert.equal(status, 401, batch[index]);
  }
});

test('while the issuer does not answer, its tokens wait for nobody and keys go on', async () => {
  issuer.fail();
  const gateway = await platform.start('gateway', { STENO_REPLY_PARTITION: '4' });
  const answer = await apiOf(gateway.address ?? '', await issuer.sign()).get('/v1/limits');
  assert.equal(answer.status, 503);
  assert.ok(answer.headers.has('retry-after'));
  const shop = await makeKey({ tenant: 'acme', principal: 'shop' });
  await until('a key works there', async () => {
    const { status } = await apiOf(gateway.address ?? '', shop.key).get('/v1/limits');
    return status === 200;
  });
});
