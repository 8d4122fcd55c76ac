import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { parseConfig } from '../../runtime/config.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { viewDeadLetters } from '../support/dead-letter-view.ts';
import { makeKey } from '../support/make-key.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** P18: keys, tokens and what people say are in no log, metric, trace, error or dead-letter header. */

const CANARY = 'canary-that-sings-4711';
const MAIL = 'jane.doe-4711@example.org';
let collector: OtlpReceiver;
let platform: Platform;
let key = '';
/** Everything that must be nowhere. */
const secrets = new Set([CANARY, MAIL]);
/** What clients were told of errors. */
const errors: string[] = [];

before(async () => {
  collector = await startOtlpReceiver();
  platform = await startPlatform({
    env: { STENO_AUTH: 'required', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, LOG_LEVEL: 'debug' },
  });
  key = await makeKey(platform, 'acme', 'ann');
  secrets.add(key.slice(key.indexOf('_') + 1));
});
after(async () => {
  await platform.stop();
  await collector.stop();
});

function send(path: string, options: { headers?: Record<string, string>; body?: string }): Promise<Response> {
  return fetch(platform.url() + path, {
    method: options.body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...options.headers },
    ...(options.body === undefined ? {} : { body: options.body }),
  });
}

async function refused(path: string, options: Parameters<typeof send>[1]): Promise<void> {
  const response = await send(path, options);
  assert.ok(response.status >= 400, `${path} ${options.body?.slice(0, 80)}`);
  errors.push(await response.text());
}

test('people chat, and say what is nobody’s business', async () => {
  const said = `${CANARY} ${MAIL}`;
  const chat = await send('/v1/chat', {
    headers: { 'idempotency-key': `${CANARY}-key` },
    body: JSON.stringify({ message: `${said} [[tokens=3 echo=1]]`, metadata: { note: said } }),
  });
  await chat.text();
  assert.equal(chat.status, 200);
  const token = chat.headers.get('x-steno-resume-token') ?? '';
  secrets.add(token);
  const inference = chat.headers.get('x-steno-inference') ?? '';
  await (await send(`/v1/inferences/${inference}/stream?token=${token}`, {})).text();
  await send('/v1/feedback', { body: JSON.stringify({ inference_id: inference, token, comment: said }) });
  const made = await send('/v1/client-tokens', { body: JSON.stringify({ user: 'alice' }) });
  // What the route answers.
  const { token: client } = (await made.json()) as { token: string };
  secrets.add(client);
  assert.equal((await send('/v1/models', { headers: { authorization: `Bearer ${client}` } })).status, 200);
  const failed = await send('/v1/chat', { body: JSON.stringify({ message: `${said} [[fail=after:1]]` }) });
  errors.push(/event: error\n.*\n/.exec(await failed.text())?.[0] ?? '');
  await send('/v1/chat/completions', {
    body: JSON.stringify({ model: 'scripted', user: MAIL, messages: [{ role: 'user', content: said }] }),
  });
});

test('what is refused is not quoted', async () => {
  const wrong = `sk-steno-0123456789abcdef_${'Z'.repeat(43)}`;
  secrets.add(wrong.slice(26));
  await refused('/v1/chat', { headers: { authorization: `Bearer ${wrong}` }, body: '{"message": "x"}' });
  await refused('/v1/chat', {
    headers: { authorization: `Bearer ct-steno-${CANARY}` },
    body: '{"message": "x"}',
  });
  await refused('/v1/chat', { body: `{"message": "${CANARY}` });
  await refused('/v1/chat', { body: JSON.stringify({ message: { text: CANARY } }) });
  await refused('/v1/chat', { body: JSON.stringify({ message: CANARY, temperature: CANARY }) });
  await refused('/v1/chat', { body: JSON.stringify({ message: CANARY, model: CANARY }) });
  await refused('/v1/chat', { body: JSON.stringify({ message: CANARY.repeat(5_000) }) });
  await refused('/v1/chat', { body: JSON.stringify({ message: CANARY, conversation_id: 'conv_nowhere' }) });
  await refused('/v1/chat/completions', {
    body: JSON.stringify({ model: 'scripted', messages: [{ role: CANARY }] }),
  });
  await refused('/v1/responses', {
    body: JSON.stringify({ model: 'scripted', input: CANARY, tools: [{ type: CANARY }] }),
  });
  await refused(`/v1/inferences/inf_1/stream?token=${CANARY}`, {});
  const socket = new WebSocket(`${platform.url().replace('http', 'ws')}/v1/chat`, {
    headers: { authorization: `Bearer ${key}` },
  });
  await once(socket, 'open');
  let heard = 0;
  socket.on('message', (data: Buffer) => {
    heard += 1;
    errors.push(data.toString());
  });
  const frames = [
    `{"type": "message", "text": "${CANARY}`,
    JSON.stringify({ type: 'message', text: [CANARY] }),
  ];
  for (const frame of frames) socket.send(frame);
  await until('both are refused', () => heard === frames.length);
  socket.close();
});

test('poison that holds it is set aside in silence', async () => {
  const events = await connectEvents(parseConfig(platform.env), 'test', ['scripted']);
  const view = await viewDeadLetters(events.log, topicName(platform.cluster.prefix, datasets.deadLetters));
  const appender = events.log.openAppender('poison');
  const topic = topicName(platform.cluster.prefix, datasets.conversations);
  const value = Buffer.from(`no Avro: ${CANARY} ${MAIL}`);
  await appender.append([{ topic, partition: 0, key: 'conv_poison', value }]);
  await until('it is set aside', () => view.letters.length > 0);
  for (const { value: _, ...headers } of view.letters) errors.push(JSON.stringify(headers));
  await view.stop();
  await appender.close();
  await events.log.close();
});

test('none of it is in a log, a metric, a trace, an error or a header', async () => {
  const exhaust = new Map<string, string>([['errors', errors.join('\n')]]);
  for (const file of await readdir(platform.dataDir))
    if (file.endsWith('.log')) exhaust.set(file, await readFile(join(platform.dataDir, file), 'utf8'));
  for (const { name, health } of platform.roles)
    exhaust.set(`metrics of ${name}`, await (await fetch(`${health}/metrics`)).text());
  exhaust.set('metrics of the gateway', await (await fetch(`${platform.url()}/metrics`)).text());
  await until('spans were sent', () => collector.bodies.length > 0);
  exhaust.set('traces', Buffer.concat(collector.bodies).toString('latin1'));
  exhaust.set('status', await (await send('/status.json', {})).text());
  assert.ok(exhaust.size >= 10 && [...exhaust.values()].every((text) => text.length > 0));
  for (const [where, text] of exhaust)
    for (const secret of secrets) assert.ok(!text.includes(secret), `${where} holds ${secret}`);
});
