import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { adminOperations } from '../../gateway/admin/operations.ts';
import { operations, type Operation } from '../../gateway/http/operations.ts';
import { freePort } from '../../infra/kafka/process/free-port.ts';
import { SUBSCRIBABLE } from '../../streams/topics.ts';
import { apiOf, type Answered, type Api } from '../support/api.ts';
import { makeKey } from '../support/make-key.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** P9: whatever one tenant names, nothing of another's is in the answer; what is another's answers 404. */

const CANARY = 'canary-7f3a';
const TENANTS = ['one', 'two'] as const;
/** A key may subscribe to all that its own tenant has. */
const TOPICS = SUBSCRIBABLE.flatMap((topic) => ['--topic', topic]);

/** What belongs to one tenant and can be named. */
type Ids = {
  readonly conversation: string;
  readonly inference: string;
  readonly message: string;
  readonly response: string;
  readonly token: string;
  readonly key: string;
};

/** How an operation is asked for with somebody's ids, and what it must answer: 404 unless said otherwise. */
type Case = {
  readonly path?: string;
  readonly body?: unknown;
  readonly answers?: number;
  /** Its answer holds what the caller itself asked before, with the ids that it named then. */
  readonly echoes?: boolean;
};

/** Every operation that asks for a key, by its id; several cases where ids can be named in several places. */
const cases: Readonly<Record<string, (ids: Ids) => readonly Case[]>> = {
  converse: ({ conversation }) => [{ body: { message: 'and?', conversation_id: conversation } }],
  chat: ({ conversation, message }) => [
    { body: { message: 'and?', conversation_id: conversation } },
    { body: { kind: 'regenerate', target_id: message, conversation_id: conversation } },
    { body: { message: 'x', kind: 'edit', target_id: message, conversation_id: conversation } },
    { body: { message: 'x', parent_id: message, conversation_id: conversation } },
  ],
  resume: ({ inference, token }) => [
    { path: `/v1/inferences/${inference}/stream` },
    { path: `/v1/inferences/${inference}/stream?token=${token}` },
    { path: `/v1/inferences/${inference}/stream?pace=original` },
  ],
  cancel: ({ inference, token }) => [
    { path: `/v1/inferences/${inference}/cancel`, body: {} },
    { path: `/v1/inferences/${inference}/cancel`, body: { token } },
  ],
  giveFeedback: ({ inference, token }) => [
    { body: { inference_id: inference, thumb: 1 } },
    { body: { inference_id: inference, token, thumb: 1 } },
  ],
  readLimits: () => [{ answers: 200 }],
  createClientToken: () => [{ body: { user: 'x' }, answers: 201 }],
  listConversations: () => [
    { answers: 200 },
    { path: '/v1/conversations?archived=true', answers: 200 },
    { path: `/v1/conversations?q=${CANARY}`, answers: 200 },
  ],
  readConversation: ({ conversation }) => [{ path: `/v1/conversations/${conversation}` }],
  changeConversation: ({ conversation, message }) => [
    { path: `/v1/conversations/${conversation}`, body: { title: 'mine now' } },
    {
      path: `/v1/conversations/${conversation}`,
      body: { clear_context: true, pins: [{ message_id: message, pinned: true }] },
    },
  ],
  complete: () => [
    { body: { model: 'scripted', messages: [{ role: 'user', content: 'hi [[tokens=1]]' }] }, answers: 200 },
  ],
  createResponse: ({ response }) => [
    { body: { model: 'scripted', input: 'and?', previous_response_id: response }, answers: 400 },
  ],
  readResponse: ({ response }) => [
    { path: `/v1/responses/${response}` },
    { path: `/v1/responses/${response}?stream=true&starting_after=0` },
  ],
  cancelResponse: ({ response }) => [{ path: `/v1/responses/${response}/cancel` }],
  deleteResponse: ({ response }) => [{ path: `/v1/responses/${response}` }],
  subscribe: ({ conversation }) => [
    { path: '/v1/events?from=earliest&until=end', answers: 200, echoes: true },
    {
      path: `/v1/events?from=earliest&until=end&conversation_id=${conversation}`,
      answers: 200,
      echoes: true,
    },
  ],
  listModels: () => [{ answers: 200 }],
  readModel: () => [{ path: '/v1/models/scripted', answers: 200 }],
  status: () => [{ answers: 200 }],
};

const adminCases: typeof cases = {
  createKey: () => [{ body: { tenant: 'TENANT', principal: 'x' } }],
  listKeys: () => [{ answers: 200 }, { path: '/v1/keys?tenant=TENANT' }],
  rotateKey: ({ key }) => [{ path: `/v1/keys/${key}/rotate`, body: {} }],
  revokeKey: ({ key }) => [{ path: `/v1/keys/${key}` }],
  listTenants: () => [{ answers: 200 }],
  clearCache: () => [{ path: '/v1/tenants/TENANT/cache' }],
  setTenant: () => [{ path: '/v1/tenants/TENANT', body: {} }],
  // Of all tenants together: operators alone.
  readConfig: () => [{ answers: 403 }],
  listConfigVersions: () => [{ answers: 403 }],
  setRoutes: () => [{ body: { routes: {} }, answers: 403 }],
  rollBackRoutes: () => [{ body: {}, answers: 403 }],
};

let platform: Platform;
const keys = new Map<string, string>();
const managers = new Map<string, Api>();
const owned = new Map<string, Ids>();

before(async () => {
  const port = await freePort('127.0.0.1');
  const admin = `http://127.0.0.1:${port}`;
  platform = await startPlatform({ env: { STENO_AUTH: 'required', STENO_ADMIN_PORT: String(port) } });
  for (const tenant of TENANTS) {
    managers.set(tenant, apiOf(admin, await makeKey(platform, tenant, 'boss', '--role', 'admin')));
    // The same name in both: a tenant is told by its credential alone.
    keys.set(tenant, await makeKey(platform, tenant, 'ann', ...TOPICS));
  }
  for (const tenant of TENANTS) owned.set(tenant, await say(tenant));
});
after(() => platform.stop());

function apiOfTenant(tenant: string): Api {
  return apiOf(platform.url(), keys.get(tenant) ?? '');
}

async function say(tenant: string): Promise<Ids> {
  const api = apiOfTenant(tenant);
  const chat = await api.send('POST', '/v1/chat', {
    message: `${CANARY}-${tenant} [[tokens=3]]`,
    metadata: { note: `${CANARY}-${tenant}` },
  });
  assert.equal(chat.status, 200, chat.text);
  const response = await api.send('POST', '/v1/responses', {
    model: 'scripted',
    input: `${CANARY}-${tenant}`,
  });
  assert.equal(response.status, 200, response.text);
  const accepted = /^data: (\{.*"conversation_id".*\})$/m.exec(chat.text)?.[1] ?? '{}';
  const { conversation_id: conversation = '', message_id: message = '' } = JSON.parse(accepted) as Record<
    string,
    string
  >;
  const [key] = (await managers.get(tenant)?.get('/v1/keys'))?.field('items') as readonly { id: string }[];
  return {
    conversation,
    message,
    inference: chat.headers.get('x-steno-inference') ?? '',
    token: chat.headers.get('x-steno-resume-token') ?? '',
    response: String(response.field('id')),
    key: key?.id ?? '',
  };
}

function holdsNothingOf(tenant: string, { text, headers }: Answered, what: string, echoes = false): void {
  const all = `${text}\n${[...headers].join('\n')}`;
  assert.doesNotMatch(all, new RegExp(`${CANARY}-${tenant}`), what);
  assert.doesNotMatch(all, new RegExp(`"tenantId":"${tenant}"`), what);
  if (echoes) return;
  const { key, ...ids } = owned.get(tenant) ?? assert.fail();
  for (const id of [ids.conversation, ids.message, ids.inference, ids.response, key])
    assert.ok(id !== '' && !all.includes(id), `${what} names ${id}`);
}

async function askFor(
  api: Api,
  operation: Operation,
  list: typeof cases,
  mine: string,
  theirs: string,
): Promise<number> {
  const make = list[operation.id];
  assert.ok(make !== undefined, `no case of ${operation.id}: add one`);
  const found = make(owned.get(theirs) ?? assert.fail());
  for (const { path = operation.path, body, answers, echoes } of found) {
    const named = JSON.parse(
      JSON.stringify({ path, ...(body === undefined ? {} : { body }) }).replaceAll('TENANT', theirs),
    ) as { path: string; body?: unknown };
    const what = `${operation.method} ${named.path} ${JSON.stringify(named.body)} by ${mine}`;
    const answer = await api.send(operation.method, named.path, named.body);
    assert.equal(answer.status, answers ?? 404, `${what}: ${answer.text}`);
    holdsNothingOf(theirs, answer, what, echoes);
  }
  return found.length;
}

for (const [mine, theirs] of [
  ['one', 'two'],
  ['two', 'one'],
] as const) {
  test(`tenant ${mine} with the ids of tenant ${theirs}, on every route`, async () => {
    const list: readonly Operation[] = operations;
    for (const operation of list.filter(({ secured }) => secured))
      await askFor(apiOfTenant(mine), operation, cases, mine, theirs);
  });

  test(`an administrator of ${mine} with the ids of ${theirs}, on every route`, async () => {
    const list: readonly Operation[] = adminOperations;
    for (const operation of list.filter(({ secured }) => secured))
      await askFor(managers.get(mine) ?? assert.fail(), operation, adminCases, mine, theirs);
  });

  test(`a WebSocket of ${mine} with the ids of ${theirs}`, async () => {
    const ids = owned.get(theirs) ?? assert.fail();
    const socket = new WebSocket(`${platform.url().replace('http', 'ws')}/v1/chat`, {
      headers: { authorization: `Bearer ${keys.get(mine)}` },
    });
    const heard: string[] = [];
    // Text arrives as one Buffer.
    socket.on('message', (data: Buffer) => heard.push(data.toString()));
    await once(socket, 'open');
    for (const frame of [
      { type: 'message', id: 'f', text: 'and?', conversation_id: ids.conversation },
      {
        type: 'message',
        id: 'f',
        kind: 'regenerate',
        conversation_id: ids.conversation,
        target_id: ids.message,
      },
      { type: 'resume', id: 'f', inference_id: ids.inference },
      { type: 'resume', id: 'f', token: ids.token },
      { type: 'stop', inference_id: ids.inference },
      { type: 'stop', inference_id: ids.inference, token: ids.token },
      { type: 'feedback', id: 'f', inference_id: ids.inference, thumb: 1 },
    ]) {
      socket.send(JSON.stringify(frame));
      // A message is accepted by the log before its conversation is known to be another's.
      const answer = (): string | undefined => heard.find((told) => !told.includes('"accepted"'));
      await until('the frame is answered', () => answer() !== undefined);
      const text = answer() ?? '';
      heard.length = 0;
      assert.match(text, /"code":"not_found"/, `${JSON.stringify(frame)}: ${text}`);
      assert.doesNotMatch(text, new RegExp(`${CANARY}-${theirs}`));
    }
    socket.close();
  });
}

test('afterwards everybody has what was theirs, and nothing more', async () => {
  for (const tenant of TENANTS) {
    const ids = owned.get(tenant) ?? assert.fail();
    const answer = await apiOfTenant(tenant).get(`/v1/conversations/${ids.conversation}`);
    assert.equal(answer.status, 200);
    const { items } = answer.field('turns') as { items: readonly { feedback: unknown[]; status: string }[] };
    assert.equal(items.length, 1);
    assert.deepEqual(items[0]?.feedback, []);
    assert.equal(items[0]?.status, 'completed');
  }
});
