import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  connect,
  type Answer,
  type ClientOptions,
  type Part,
  type StenoClient,
} from '../../client/steno-client.js';
import { errorCode } from '../../runtime/errors.ts';
import { isTerminal } from '../../streams/effective-end.ts';
import { sha256 } from '../../streams/ids.ts';
import { openCuttingProxy } from '../support/cutting-proxy.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readRecorded } from '../support/recorded.ts';
import { kill9, stopRole } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/** The JavaScript client on the real platform: what it shows is what was recorded, whatever happens on the way. */

const KEY = 'a-key-of-the-tests';
const model = 'scripted';

let platform: Platform;
let keysFile: string;
const clients: StenoClient[] = [];

before(async () => {
  platform = await startPlatform();
  keysFile = join(platform.dataDir, 'keys.json');
  await writeFile(
    keysFile,
    JSON.stringify({ keys: { [sha256(KEY)]: { tenant: 'acme', principal: 'ann' } } }),
  );
});
after(async () => {
  for (const client of clients) client.close();
  await platform.stop();
});

function open(url: ClientOptions['url'], options: ClientOptions = {}): StenoClient {
  const client = connect({ url, ...options });
  clients.push(client);
  return client;
}

/** One more gateway, with a reply partition of its own. */
async function startGateway(env: Readonly<Record<string, string>> = {}): ReturnType<Platform['start']> {
  return platform.start('gateway', { STENO_REPLY_PARTITION: '7', ...env });
}

/** What somebody reads of an answer, while it comes. */
type Read = { readonly parts: Part[]; readonly whole: Promise<void> };

function read(answer: Answer): Read {
  const parts: Part[] = [];
  const whole = (async () => {
    for await (const part of answer) parts.push(part);
  })();
  whole.catch(() => undefined);
  return { parts, whole };
}

const streams = (read: Read): Promise<void> =>
  until('the answer streams', () => read.parts.filter(({ type }) => type === 'text').length >= 3);

const textOf = (parts: readonly Part[]): string =>
  parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** Every seq once and in order: nothing twice, nothing left out. */
function checkSeqs(parts: readonly Part[], first = 0): void {
  const seqs = parts.flatMap((part) => (part.type === 'text' ? [part.seq] : []));
  assert.deepEqual(
    seqs,
    seqs.map((_seq, place) => first + place),
  );
}

function acceptedOf({ parts }: Read): Extract<Part, { type: 'accepted' }> {
  const [accepted] = parts;
  assert.ok(accepted?.type === 'accepted');
  return accepted;
}

/** The text of the one end that the log holds of an inference. */
async function recordedText(inferenceId: string): Promise<string | null> {
  const { conversations } = await readRecorded(platform);
  const ends = conversations.filter((event) => isTerminal(event) && event.data.inferenceId === inferenceId);
  assert.equal(ends.length, 1);
  return ends[0] !== undefined && isTerminal(ends[0]) ? ends[0].data.content.text : null;
}

describe('an answer', () => {
  test('streams as typed parts, and the conversation goes on', async () => {
    const client = open(platform.url());
    const first = read(client.ask({ text: 'hello [[tokens=12]]', model }));
    await first.whole;
    checkSeqs(first.parts);
    const { conversationId, inferenceId } = acceptedOf(first);
    assert.equal(textOf(first.parts), await recordedText(inferenceId));
    const done = first.parts.at(-1);
    assert.ok(done?.type === 'done');
    assert.deepEqual([done.outcome, done.model, done.usage?.completionTokens], ['completed', model, 12]);
    const told: string[] = [];
    const second = client.ask({ text: 'and? [[tokens=9]]', model, conversationId });
    const whole = await second.text((soFar) => told.push(soFar));
    assert.equal(told.at(-1), whole);
    assert.ok((await second.done()).usage?.promptTokens ?? 0 > (done.usage?.promptTokens ?? 0));
  });

  test('two at once share one connection', async () => {
    const proxy = await openCuttingProxy(platform.url());
    const client = open(proxy.url);
    const both = [1, 2].map((seed) =>
      read(client.ask({ text: `go [[tokens=30 pace=10 seed=${seed}]]`, model })),
    );
    await Promise.all(both.map(streams));
    await Promise.all(both.map(({ whole }) => whole));
    for (const one of both) {
      checkSeqs(one.parts);
      assert.equal(textOf(one.parts), await recordedText(acceptedOf(one).inferenceId));
    }
    assert.equal(proxy.connections(), 1);
    client.close();
    await proxy.close();
  });

  test('stops when it is asked to, and keeps what was said', async () => {
    const answer = open(platform.url()).ask({ text: 'long [[tokens=900 pace=10]]', model });
    const reading = read(answer);
    await streams(reading);
    answer.stop();
    assert.equal((await answer.done()).outcome, 'cancelled');
    assert.equal(await answer.text(), await recordedText(acceptedOf(reading).inferenceId));
  });

  test('that is aborted ends here at once, and is stopped there', async () => {
    const aborting = new AbortController();
    const client = open(platform.url());
    const answer = client.ask({ text: 'long [[tokens=900 pace=10]]', model }, { signal: aborting.signal });
    const reading = read(answer);
    await streams(reading);
    const { position } = answer;
    aborting.abort();
    await assert.rejects(answer.text(), { name: 'StenoError', code: 'aborted' });
    assert.ok(position !== null);
    assert.equal((await open(platform.url()).resume(position).done()).outcome, 'cancelled');
    await assert.rejects(client.ask('no', { signal: aborting.signal }).text(), { code: 'aborted' });
  });

  test('can be judged', async () => {
    const client = open(platform.url());
    const answer = client.ask({ text: 'good? [[tokens=3]]', model });
    await answer.done();
    const { position } = answer;
    assert.ok(position !== null);
    const id = await client.feedback(position, { thumb: 1, comment: 'yes' });
    const { conversations } = await readRecorded(platform);
    const given = conversations.filter(({ type }) => type === 'FeedbackGiven');
    assert.deepEqual(
      given.map(({ data }) => 'eventId' in data && data.eventId),
      [id],
    );
    await assert.rejects(client.feedback(position, {}), { code: 'invalid_request' });
    await assert.rejects(client.feedback({}, { thumb: 1 }), { code: 'invalid_option', param: 'inferenceId' });
  });
});

describe('a lost connection', () => {
  test('kill -9 of the gateway in mid-stream: the rest comes from another one', async () => {
    const doomed = await startGateway();
    const answer = open([doomed.address ?? '', platform.url()]).ask({
      text: 'on [[tokens=150 pace=15]]',
      model,
    });
    const reading = read(answer);
    await streams(reading);
    await kill9(doomed);
    await reading.whole;
    checkSeqs(reading.parts);
    assert.equal(textOf(reading.parts), await recordedText(acceptedOf(reading).inferenceId));
  });

  test('before it was accepted: the message is made once, and survives the loss of the second gateway too', async () => {
    const proxy = await openCuttingProxy(platform.url());
    const second = await startGateway();
    const client = open([proxy.url, second.address ?? '']);
    proxy.cutBefore('"accepted"');
    const reading = read(client.ask({ text: 'once [[tokens=200 pace=15]]', model }));
    await streams(reading);
    assert.equal(proxy.connections(), 1);
    proxy.cutBefore(null);
    // The token is that of the repeat: the answer lies elsewhere.
    await kill9(second);
    await reading.whole;
    checkSeqs(reading.parts);
    const { inferenceId, messageId } = acceptedOf(reading);
    assert.equal(textOf(reading.parts), await recordedText(inferenceId));
    const { conversations } = await readRecorded(platform);
    const made = conversations.filter(
      ({ type, data }) => type === 'MessageSubmitted' && 'eventId' in data && data.eventId === messageId,
    );
    assert.equal(made.length, 2, 'both submissions are on the log, under one id');
    client.close();
    await proxy.close();
  });

  test('draining on SIGTERM: the client goes elsewhere before it is cut off', async () => {
    const leaving = await startGateway();
    const urls: string[] = [];
    const client = open([leaving.address ?? '', platform.url()], {
      onConnection: ({ state, url }) => urls.push(`${state} ${url}`),
    });
    const answer = client.ask({ text: 'on [[tokens=990 pace=30]]', model });
    const reading = read(answer);
    await streams(reading);
    const gone = stopRole(leaving);
    const other = `open ${platform.url().replace('http', 'ws')}/v1/chat`;
    await until('the client is elsewhere', () => urls.at(-1) === other);
    const before = reading.parts.length;
    await until('the answer goes on there', () => reading.parts.length > before + 2);
    answer.stop();
    await reading.whole;
    checkSeqs(reading.parts);
    assert.equal(textOf(reading.parts), await recordedText(acceptedOf(reading).inferenceId));
    assert.equal((await gone).code, 0);
  });

  test('one gateway alone: the client waits until it is there again', async () => {
    const first = await startGateway();
    const address = first.address ?? '';
    const reading = read(open(address).ask({ text: 'on [[tokens=250 pace=15]]', model }));
    await streams(reading);
    await kill9(first);
    await startGateway({ PORT: new URL(address).port });
    await reading.whole;
    checkSeqs(reading.parts);
    assert.equal(textOf(reading.parts), await recordedText(acceptedOf(reading).inferenceId));
  });

  test('no gateway at all is told after the time that was set', async () => {
    const client = open('http://127.0.0.1:9', { giveUpAfterMs: 400 });
    await assert.rejects(client.ask('anybody?').text(), { code: 'connection_lost', retryable: true });
  });

  test('a fresh client goes on where another one was', async () => {
    const client = open(platform.url());
    const answer = client.ask({ text: 'reload [[tokens=80 pace=15]]', model });
    const shown: Part[] = [];
    for await (const part of answer) {
      shown.push(part);
      if (part.type === 'text' && part.seq >= 5) break;
    }
    // What a page keeps over a reload.
    const position = JSON.parse(JSON.stringify(answer.position)) as { token: string; after: number };
    client.close();
    await assert.rejects(answer.done(), { code: 'closed' });
    const rest = read(open(platform.url()).resume(position));
    await rest.whole;
    checkSeqs(rest.parts, 6);
    const inferenceId = shown[0]?.type === 'accepted' ? shown[0].inferenceId : '';
    const whole = await recordedText(inferenceId);
    assert.equal(textOf(shown) + textOf(rest.parts), whole);
    assert.equal(await open(platform.url()).resume({ token: position.token }).text(), whole);
  });
});

describe('what cannot work is told at once', () => {
  test('a wrong key, and none; the right one is let in', async () => {
    const closed = await startGateway({ STENO_KEYS_FILE: keysFile });
    const url = closed.address ?? '';
    for (const options of [{ key: 'wrong' }, {}])
      await assert.rejects(open(url, options).ask({ text: 'x', model }).text(), {
        code: 'invalid_api_key',
        retryable: false,
      });
    const text = await open(url, { key: KEY }).ask({ text: 'x [[tokens=4]]', model }).text();
    assert.notEqual(text, '');
  });

  test('a bad message, a bad token, one that is too large: each by its code, and the connection goes on', async () => {
    const client = open(platform.url());
    const good = client.ask({ text: 'x [[tokens=40 pace=10]]', model });
    const bad = [
      client.ask(''),
      client.ask({ text: 'x', model: 'gpt-99' }),
      client.resume({ token: 'forged' }),
    ];
    const codes = bad.map((answer) => answer.done().then(() => null, errorCode));
    assert.deepEqual(await Promise.all(codes), ['invalid_request', 'model_not_found', 'not_found']);
    await assert.rejects(client.ask('x'.repeat(70_000)).text(), { code: 'too_large' });
    assert.equal((await good.done()).outcome, 'completed');
  });
});
