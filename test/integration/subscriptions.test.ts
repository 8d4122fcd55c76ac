import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { Ajv } from 'ajv';
import { apiOf, type Api } from '../support/api.ts';
import { subscribeOnce, type Delivered } from '../support/event-subscriber.ts';
import { makeKey } from '../support/make-key.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { startSteno } from '../support/steno-command.ts';
import { until } from '../support/until.ts';

/** Who may subscribe to what, from where, how slowly, and for how long. */

const WHOLE = 'from=earliest&until=end';

let platform: Platform;
let url: string;
let user: Api;
/** Keys of tenant acme: of a user, of one that may subscribe to turns, and of an auditor; and of another tenant's auditor. */
const keys = { user: '', turns: '', auditor: '', other: '' };

before(async () => {
  platform = await startPlatform({ env: { STENO_AUTH: 'required' } });
  url = platform.url();
  keys.user = await makeKey(platform, 'acme', 'ann');
  keys.turns = await makeKey(platform, 'acme', 'warehouse', '--topic', 'turns');
  keys.auditor = await makeKey(platform, 'acme', 'audit', '--role', 'auditor');
  keys.other = await makeKey(platform, 'other', 'audit', '--role', 'auditor');
  user = apiOf(url, keys.user);
});
after(() => platform.stop());

async function say(text: string, conversation?: string): Promise<string> {
  const body = { message: text, ...(conversation === undefined ? {} : { conversation_id: conversation }) };
  const answer = await user.send('POST', '/conversation', body);
  assert.equal(answer.status, 200, answer.text);
  return String(answer.field('conversation_id'));
}

async function steno(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await startSteno(words, { ...process.env, ...platform.env }).ended;
  assert.equal(code, 0, stderr);
  return stdout;
}

const read = (query: string, key = keys.auditor, cursor: string | null = null) =>
  subscribeOnce(url, query, { key, cursor });
const typesOf = (events: readonly Delivered[]): readonly string[] => [
  ...new Set(events.map(({ type }) => type.replace('steno.events.', ''))),
];

test('a key subscribes to what it was given, an auditor to all of its tenant, others to nothing', async () => {
  const conversation = await say('first [[tokens=2]]');
  await until(
    'the turn is measured',
    async () => (await read(`${WHOLE}&types=TurnMeasured`)).events.length > 0,
  );
  const refused = await user.get('/v1/events');
  assert.deepEqual([refused.status, refused.text.includes('may not subscribe to any topic')], [403, true]);
  const denied = await apiOf(url, keys.turns).get('/v1/events?topics=turns,conversations');
  assert.deepEqual([denied.status, denied.text.includes('"param":"topics"')], [403, true]);

  const turns = await read(WHOLE, keys.turns);
  assert.deepEqual([...new Set(turns.events.map(({ stenotopic }) => stenotopic))], ['turns']);
  assert.deepEqual(turns.told, ['end']);
  const all = await read(WHOLE);
  for (const { data } of all.events) assert.equal(data['tenantId'], 'acme');
  const submitted = all.events.find(({ type }) => type === 'steno.events.MessageSubmitted');
  assert.equal(submitted?.subject, conversation);
  assert.match(JSON.stringify(submitted?.data), /first \[\[tokens=2\]\]/);
  // It ends where the log ended when it was opened: the next one sees that this one was.
  await read(WHOLE, keys.other);
  const theirs = await read(WHOLE, keys.other);
  assert.deepEqual(typesOf(theirs.events), ['AccessRecorded']);
});

test('types, model and conversation narrow it, and what is wrong is named', async () => {
  const [one, two] = [await say('one [[tokens=1]]'), await say('two [[tokens=1]]')];
  const mine = await read(`${WHOLE}&topics=conversations&conversation_id=${two}`);
  assert.deepEqual(typesOf(mine.events), ['MessageSubmitted', 'InferenceCompleted']);
  assert.ok(mine.events.every(({ subject }) => subject === two) && one !== two);
  const completed = await read(`${WHOLE}&types=InferenceCompleted&model=scripted`);
  assert.deepEqual(typesOf(completed.events), ['InferenceCompleted']);
  assert.equal((await read(`${WHOLE}&model=none-such`)).events.length, 0);
  for (const [query, param] of [
    ['topics=deltas', 'topics'],
    ['types=InferenceDelta', 'types'],
    ['from=yesterday', 'from'],
    ['from=turns:99:0', 'from'],
    ['after=nonsense', 'after'],
    ['after=1~turns~zzzz', 'after'],
    ['until=never', 'until'],
    ['form=earliest', 'form'],
  ] as const) {
    const { status, text } = await apiOf(url, keys.auditor).get(`/v1/events?${query}`);
    assert.deepEqual(
      [status, (JSON.parse(text) as { error: { param: string } }).error.param],
      [400, param],
      text,
    );
  }
});

test('it begins at a time, at places, or behind the last event', async () => {
  await say('before [[tokens=1]]');
  await until('the turn is measured', async () => {
    const { events } = await read(`${WHOLE}&types=TurnMeasured`);
    return events.length === (await read(`${WHOLE}&types=InferenceCompleted`)).events.length;
  });
  const all = await read(`${WHOLE}&topics=conversations,turns`);
  assert.ok(all.events.length > 3);
  const again = await read(`until=end&topics=conversations,turns`, keys.auditor, all.cursor);
  assert.deepEqual([again.events, again.told], [[], ['end']]);
  const time = new Date(Date.now()).toISOString();
  await say('after [[tokens=1]]');
  const since = await read(`until=end&topics=conversations&from=${time}`);
  assert.match(JSON.stringify(since.events), /after \[\[tokens=1\]\]/);
  assert.doesNotMatch(JSON.stringify(since.events), /before \[\[tokens=1\]\]/);
  const later = await read(`until=end&topics=conversations`, keys.auditor, all.cursor);
  assert.deepEqual(
    later.events.map(({ id }) => id),
    since.events.map(({ id }) => id),
  );
  const some = all.events.find(({ stenotopic }) => stenotopic === 'conversations');
  assert.ok(some !== undefined);
  const place = `conversations:${some.stenopartition}:${some.stenooffset}`;
  const [first, ...rest] = (await read(`until=end&topics=conversations&from=${place}`)).events;
  assert.equal(first?.id, some.id);
  assert.ok(rest.every(({ stenopartition }) => stenopartition === some.stenopartition));
});

test('that somebody subscribes is recorded before anything is shown', async () => {
  const { events } = await read(`${WHOLE}&topics=audit&types=AccessRecorded`);
  const last = events.at(-1)?.data;
  assert.deepEqual(
    [last?.['principal'], last?.['action'], last?.['allowed'], last?.['resource']],
    ['audit', 'subscribe', true, '/v1/events?topics=audit&types=AccessRecorded&from=earliest'],
  );
});

test('a subscriber that does not read is waited for and gets all of it', async () => {
  const text = 'x'.repeat(40_000);
  const stalled = request(`${url}/v1/events?topics=conversations`, {
    headers: { authorization: `Bearer ${keys.auditor}` },
  });
  stalled.end();
  const [response] = (await once(stalled, 'response')) as [IncomingMessage];
  let heard = '';
  response.setEncoding('utf8').on('data', (piece: string) => (heard += piece));
  await until('it is caught up', () => heard.includes('event: caught_up'));
  response.pause();
  for (let sent = 0; sent < 30; sent += 1) await say(`${sent} ${text} [[tokens=1]]`);
  // Others go on meanwhile.
  assert.ok((await read(`${WHOLE}&types=MessageSubmitted`)).events.length > 30);
  response.resume();
  await until('all of it came', () => heard.split('MessageSubmitted').length > 30);
  stalled.destroy();
});

test('a tenant has no more than its share, and a withdrawn key is cut off', async () => {
  const gone = new AbortController();
  const key = await makeKey(platform, 'acme', 'many', '--topic', 'turns');
  const open = Array.from({ length: 16 }, () =>
    subscribeOnce(url, 'topics=turns', { key, signal: gone.signal }),
  );
  await until('they are all open', async () => {
    const { text } = await user.get('/metrics');
    return /^steno_gateway_queue\{.*queue="subscriptions".*\} 16$/m.test(text);
  });
  const { status, headers } = await apiOf(url, keys.turns).get('/v1/events');
  assert.deepEqual([status, headers.has('retry-after')], [503, true]);
  assert.equal((await read(`${WHOLE}&topics=turns`, keys.other)).told.at(-1), 'end');
  const listed = await steno('keys', 'list', '--json');
  const found = (JSON.parse(listed) as { keyId: string; principal: string }[]).find(
    ({ principal }) => principal === 'many',
  );
  await steno('keys', 'revoke', found?.keyId ?? assert.fail());
  for (const { told } of await Promise.all(open)) assert.deepEqual(told, ['caught_up', 'error']);
});

test('the AsyncAPI document says what a subscription brings: every event delivered fits its schema', async () => {
  await say('described [[tokens=2]]');
  const answer = await fetch(`${url}/asyncapi.json`);
  assert.equal(answer.status, 200);
  // The document's shape is checked against AsyncAPI's own schema by its unit test.
  const { channels, components } = (await answer.json()) as {
    channels: Record<string, { address: string }>;
    components: { schemas: Record<string, object> };
  };
  assert.equal(channels['conversations']?.address, `${platform.cluster.prefix}.conversations.v1`);
  const { events } = await read(WHOLE);
  assert.ok(new Set(typesOf(events)).size >= 4, typesOf(events).join());
  for (const event of events) {
    const schema = components.schemas[event.type.replace('steno.events.', 'event.')];
    const check = new Ajv({ strict: false, validateFormats: false }).compile(schema ?? false);
    assert.ok(check(event), `${event.type}: ${JSON.stringify(check.errors)}`);
  }
});
