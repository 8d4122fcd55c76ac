import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { sseEvent, type SseEvent } from '../support/sse-event.ts';
import { until } from '../support/until.ts';

/** P4: a client that sends its last seq to any gateway receives exactly the rest. */

let platform: Platform;
let second: string;

before(async () => {
  platform = await startPlatform();
  second = (await platform.start('gateway', { STENO_REPLY_PARTITION: '7' })).address ?? '';
});
after(async () => {
  await platform.stop();
});

async function readSse(response: Response): Promise<readonly SseEvent[]> {
  return (await response.text()).split('\n\n').flatMap((block) => sseEvent(block) ?? []);
}

async function startAnswer(
  tokens: number,
): Promise<{ client: ChatClient; answer: SeenAnswer; done: Promise<SeenAnswer> }> {
  const client = new ChatClient(() => platform.url());
  const done = client.ask({ text: `long [[tokens=${tokens} pace=10]]`, model: 'scripted' });
  const answer = [...client.answers.values()][0];
  assert.ok(answer !== undefined);
  await until('the answer streams', () => answer.lastSeq >= 2);
  return { client, answer, done };
}

test('another gateway goes on after the cursor while the answer runs, over SSE and over WebSocket', async () => {
  const { client, answer, done } = await startAnswer(60);
  const after = answer.lastSeq;
  const seen = answer.text;
  const address = `${second}/v1/inferences/${answer.inferenceId}/stream?after=${after}&token=${encodeURIComponent(answer.token)}`;
  const frames = await readSse(await fetch(address));
  const whole = (await done).text;
  const rest = frames.filter(({ event }) => event === 'delta');
  assert.deepEqual(
    rest.map(({ data }) => data['seq']),
    rest.map((_frame, index) => after + 1 + index),
  );
  assert.equal(seen + rest.map(({ data }) => String(data['text'])).join(''), whole);
  assert.equal(frames.at(-1)?.event, 'done');
  client.close();
});

test('a finished answer is streamed again from every cursor', async () => {
  const { client, answer, done } = await startAnswer(20);
  const { text, seqs } = await done;
  const pieces = new Map<number, string>();
  for (const after of [-1, 0, Math.floor(seqs.length / 2), seqs.length - 1]) {
    const address = `${second}/v1/inferences/${answer.inferenceId}/stream?after=${after}&token=${encodeURIComponent(answer.token)}`;
    const response = await fetch(address);
    if (response.status === 204) continue;
    const frames = await readSse(response);
    for (const { event, data } of frames)
      if (event === 'delta') pieces.set(Number(data['seq']), String(data['text']));
    const shown = frames.filter(({ event }) => event === 'delta').map(({ data }) => Number(data['seq']));
    assert.ok(shown.every((seq) => seq > after));
  }
  assert.equal(
    [...pieces.entries()]
      .sort(([a], [b]) => a - b)
      .map(([, piece]) => piece)
      .join(''),
    text,
  );
  client.close();
});

test("a token that was tampered with, and another's inference, are not found", async () => {
  const { client, answer, done } = await startAnswer(10);
  await done;
  const token = `${answer.token.slice(0, -4)}AAAA`;
  const tampered = await fetch(`${second}/v1/inferences/${answer.inferenceId}/stream?token=${token}`);
  assert.equal(tampered.status, 404);
  const unknown = await fetch(`${second}/v1/inferences/inf_nobody-knows-this-000/stream`);
  assert.equal(unknown.status, 404);
  client.close();
});

test('closing the connection stops nothing; stop from another connection does', async () => {
  const { client, answer } = await startAnswer(400);
  client.close();
  const other = new ChatClient(() => second);
  const response = await fetch(`${second}/v1/inferences/${answer.inferenceId}/cancel`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: answer.token }),
  });
  assert.ok(response.ok, await response.text());
  const frames = await readSse(
    await fetch(
      `${second}/v1/inferences/${answer.inferenceId}/stream?token=${encodeURIComponent(answer.token)}`,
    ),
  );
  const last = frames.at(-1);
  assert.equal(last?.event, 'done');
  assert.equal(last.data['outcome'], 'cancelled');
  other.close();
});

test('answers of one conversation are shown again together, the newest asked for first', async () => {
  const client = new ChatClient(() => platform.url());
  const first = await client.ask({ text: 'first [[tokens=3]]', model: 'scripted' });
  const answers = [first];
  for (let turn = 1; turn < 6; turn += 1) {
    answers.push(
      await client.ask({
        text: `turn ${turn} [[tokens=3]]`,
        model: 'scripted',
        conversation_id: first.conversationId,
      }),
    );
  }
  await until('the read model knows the ends', async () => {
    const response = await fetch(`${second}/v1/inferences/${answers.at(-1)?.inferenceId ?? ''}/stream`);
    return response.ok && (await response.text()).includes('event: done');
  });
  const again = await Promise.all(
    answers.toReversed().map(async ({ inferenceId, token }) => {
      const address = `${second}/v1/inferences/${inferenceId}/stream?after=-1&token=${encodeURIComponent(token)}`;
      return readSse(await fetch(address));
    }),
  );
  for (const [index, answer] of answers.toReversed().entries()) {
    const frames = again[index] ?? [];
    assert.equal(frames.at(-1)?.event, 'done', JSON.stringify(frames.at(-1)));
    const deltas = frames.filter(({ event }) => event === 'delta');
    assert.equal(deltas.map(({ data }) => String(data['text'])).join(''), answer.text);
  }
  client.close();
});

test('a finished answer is shown again as fast as it was made, to whoever asks for that', async () => {
  const client = new ChatClient(() => platform.url());
  const answer = await client.ask({ text: 'slow [[tokens=10 pace=30]]', model: 'scripted' });
  client.close();
  const stream = `${second}/v1/inferences/${answer.inferenceId}/stream`;
  await until('the read model knows the end', async () => {
    const response = await fetch(stream);
    return response.ok && (await response.text()).includes('event: done');
  });
  const began = performance.now();
  const frames = await readSse(await fetch(`${stream}?pace=original`));
  const took = performance.now() - began;
  const deltas = frames.filter(({ event }) => event === 'delta');
  assert.equal(deltas.map(({ data }) => String(data['text'])).join(''), answer.text);
  assert.equal(frames.at(-1)?.event, 'done');
  // A timer never ends early: nine pauses of 30 ms were recorded, most of them at least so long.
  assert.ok(deltas.length < 3 || took > 150, `${deltas.length} deltas within ${took} ms`);
  const refused = await fetch(`${stream}?pace=fast`);
  assert.equal(refused.status, 400);
  assert.equal(((await refused.json()) as { error: { param: string } }).error.param, 'pace');
});
