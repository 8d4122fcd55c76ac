import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { startPlatform, type Platform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** Bad input of every kind: a clear error that names the field, and processes that stay alive. */

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

test('the refusal of a frame names the frame, so that a client with several in flight knows which', async () => {
  const socket = new WebSocket(`${platform.url().replace('http', 'ws')}/v1/chat`);
  const named = new Map<unknown, unknown>();
  socket.on('message', (data: Buffer) => {
    // Every frame is a JSON object.
    const { id, code } = JSON.parse(data.toString('utf8')) as Record<string, unknown>;
    named.set(id, code);
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const bad = [
    { type: 'message', id: 'empty', text: '' },
    { type: 'message', id: 'unknown', text: 'x', colour: 'red' },
    { type: 'resume', id: 'forged', token: 'x' },
    { type: 'dance', id: 'dance' },
    { type: 'dance', id: 'not an id' },
  ];
  for (const frame of bad) socket.send(JSON.stringify(frame));
  await until('every bad frame is answered', () => named.size === bad.length);
  assert.deepEqual(Object.fromEntries(named), {
    empty: 'invalid_request',
    unknown: 'unknown_field',
    forged: 'not_found',
    dance: 'invalid_request',
    undefined: 'invalid_request',
  });
  socket.close();
});

test('every role is alive after all that', () => {
  assert.equal(platform.roles.length, 4);
});
