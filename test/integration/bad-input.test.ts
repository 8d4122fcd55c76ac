import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { parseConfig } from '../../runtime/config.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** Bad input of every kind: a clear error that names the field, processes alive, partitions that go on. */

let platform: Platform;

before(async () => {
  platform = await startPlatform();
});
after(async () => {
  await platform.stop();
});

async function post(
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; error: Record<string, unknown> }> {
  const response = await fetch(`${platform.url()}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  // Every error body of ours has this shape: it is what the test checks below.
  const parsed = (await response.json()) as { error?: Record<string, unknown> };
  return { status: response.status, error: parsed.error ?? {} };
}

const bodies: readonly (readonly [string, string, number, string | null])[] = [
  ['no JSON', '{"message": ', 400, null],
  ['no object', '[1]', 400, null],
  ['no message', '{}', 400, 'message'],
  ['an empty message', '{"message": ""}', 400, 'message'],
  ['a message that is no text', '{"message": 7}', 400, 'message'],
  ['an unknown field', '{"message": "x", "colour": "red"}', 400, 'colour'],
  ['__proto__', '{"message": "x", "__proto__": {"tenant": "other"}}', 400, null],
  ['a model nobody knows', '{"message": "x", "model_type": "gpt-99"}', 404, 'model_type'],
  ['a negative limit', '{"message": "x", "max_tokens": -5}', 400, 'max_tokens'],
  [
    'a conversation that does not exist',
    '{"message": "x", "model_type": "scripted", "conversation_id": "conv_nowhere-0000000000000"}',
    404,
    null,
  ],
  ['a message over the limit', JSON.stringify({ message: 'x'.repeat(70_000) }), 413, null],
];

for (const [name, body, status, param] of bodies) {
  test(`POST /conversation with ${name} is answered ${status} with all four keys`, async () => {
    const answer = await post('/conversation', body);
    assert.equal(answer.status, status, JSON.stringify(answer));
    assert.deepEqual(Object.keys(answer.error).sort(), ['code', 'message', 'param', 'type']);
    if (param !== null)
      assert.ok(
        String(answer.error['param']).includes(param) || String(answer.error['message']).includes(param),
        JSON.stringify(answer.error),
      );
  });
}

test('a foreign Host and a foreign Origin are refused', async () => {
  const { request } = await import('node:http');
  const status = await new Promise<number>((resolve, reject) => {
    const call = request(
      `${platform.url()}/v1/conversations`,
      { headers: { host: 'evil.example' } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.on('error', reject);
    call.end();
  });
  assert.ok(status >= 400 && status < 500, String(status));
  const origin = await post('/conversation', '{"message": "x"}', { origin: 'https://evil.example' });
  assert.equal(origin.status, 403);
});

test('WebSocket frames that are no frames get an error, and the connection stays', async () => {
  const socket = new WebSocket(`${platform.url().replace('http', 'ws')}/v1/chat`);
  const frames: Record<string, unknown>[] = [];
  socket.on('message', (data: Buffer) =>
    frames.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>),
  );
  await new Promise((resolve) => socket.once('open', resolve));
  const bad = [
    'not json',
    '[]',
    '{"type": "dance"}',
    '{"type": "message"}',
    '{"type": "resume", "token": "x"}',
    '{"type": "stop", "inference_id": "inf_none"}',
  ];
  for (const frame of bad) socket.send(frame);
  socket.send(Buffer.from([0xff, 0xfe, 0x00]));
  await until(
    'every bad frame is answered',
    () => frames.filter(({ type }) => type === 'error').length >= bad.length,
    30_000,
  );
  socket.send(JSON.stringify({ type: 'message', text: 'still here', model: 'scripted' }));
  await until('a good frame is answered', () => frames.some(({ type }) => type === 'done'));
  socket.close();
});

test('poison on the conversations topic is set aside once per reader, and the partition goes on', async () => {
  const { prefix } = platform.cluster;
  const topic = topicName(prefix, datasets.conversations);
  const events = await connectEvents(parseConfig(platform.env), 'test', ['scripted', 'small']);
  const appender = events.log.openAppender('poison');
  const garbage = Buffer.from('this is no Avro at all');
  const unknownSchema = Buffer.concat([Buffer.from([0, 0x7f, 0xff, 0xff, 0xfe]), Buffer.from('x')]);
  for (let partition = 0; partition < datasets.conversations.partitions; partition += 1) {
    await appender.append([
      { topic, partition, key: 'conv_poison', value: garbage },
      { topic, partition, key: 'conv_poison', value: unknownSchema },
    ]);
  }
  const client = new ChatClient(() => platform.url());
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_unused, index) =>
      client.ask({ text: `after the poison ${index}`, model: 'scripted' }),
    ),
  );
  assert.ok(answers.every(({ outcome }) => outcome === 'completed'));
  client.close();

  const deadLetters: { readonly value: Buffer | null; readonly group: string; readonly place: string }[] = [];
  const follower = events.log.openFollower({
    name: 'dead-letters',
    onFailure: assert.ifError,
    onBatch(batch) {
      for (const { value, headers } of batch.records) {
        const header = (name: string): string =>
          headers.find(([key]) => key === name)?.[1].toString('utf8') ?? '';
        deadLetters.push({
          value,
          group: header('dead_letter_group'),
          place: `${header('dead_letter_partition')}/${header('dead_letter_offset')}`,
        });
      }
    },
  });
  for (let partition = 0; partition < datasets.deadLetters.partitions; partition += 1) {
    await follower.add(topicName(prefix, datasets.deadLetters), partition, 'earliest');
  }
  // Two poison records in each partition, each set aside by prepare-turn and by the projection.
  const expected = datasets.conversations.partitions * 2 * 2;
  await until('both readers set every poison record aside', () => deadLetters.length >= expected, 60_000);
  assert.equal(deadLetters.length, expected);
  assert.equal(new Set(deadLetters.map(({ group, place }) => `${group} ${place}`)).size, expected);
  assert.ok(
    deadLetters.every(
      ({ value }) => value !== null && (value.equals(garbage) || value.equals(unknownSchema)),
    ),
  );
  await follower.stop();
  await appender.close();
  await events.log.close();
});

test('every role is alive after all that', () => {
  assert.equal(platform.roles.length, 4);
});
