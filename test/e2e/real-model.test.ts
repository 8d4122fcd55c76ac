import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../runtime/config.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readTopic } from '../support/read-topic.ts';

/** The main job on real parts: a real language model answers, and every step is an event on the real broker. */

const MODEL = 'smollm2-135m-instruct';
let platform: Platform;

before(async () => {
  platform = await startPlatform({ env: { STENO_MODEL: MODEL } });
});
after(async () => {
  await platform.stop();
});

test('two turns: the second prompt holds the first question and its answer, and both are recorded', async () => {
  const client = new ChatClient(() => platform.url());
  const first = await client.ask({
    text: 'My name is Ada. What is the capital of France?',
    max_tokens: 40,
    temperature: 0,
  });
  assert.equal(first.outcome, 'completed', String(first.code));
  assert.ok(first.text.trim().length > 3, `the model said ${JSON.stringify(first.text)}`);
  const second = await client.ask({
    text: 'And which river flows through it?',
    conversation_id: first.conversationId,
    max_tokens: 40,
    temperature: 0,
  });
  assert.equal(second.outcome, 'completed', String(second.code));
  client.close();

  const events = await connectEvents(parseConfig(platform.env), 'test', ['small', 'scripted']);
  const { prefix } = platform.cluster;
  const requests = await readTopic(events, requestTopic(prefix, 'small', 'interactive'));
  const request = requests.find(
    (event) => 'inferenceId' in event.data && event.data.inferenceId === second.inferenceId,
  );
  assert.ok(request?.type === 'InferenceRequested');
  const said = request.data.messages.map((message) => [message.role, message.parts[0]?.text?.text]);
  assert.deepEqual(said, [
    ['user', 'My name is Ada. What is the capital of France?'],
    ['assistant', first.text],
    ['user', 'And which river flows through it?'],
  ]);

  const record = await readTopic(events, topicName(prefix, datasets.conversations));
  const types = record
    .filter((event) => 'conversationId' in event.data && event.data.conversationId === first.conversationId)
    .map((event) => event.type);
  assert.deepEqual(types, [
    'MessageSubmitted',
    'InferenceCompleted',
    'MessageSubmitted',
    'InferenceCompleted',
  ]);
  const ends = record.filter((event) => event.type === 'InferenceCompleted');
  for (const end of ends) {
    assert.equal(end.data.engine, 'llama-cpp');
    assert.match(end.data.modelHash, /^[0-9a-f]{64}$/);
    assert.ok(end.data.completionTokens > 0 && end.data.promptTokens > 0);
  }
  assert.ok((ends[1]?.data.cachedTokens ?? 0) > 0, "the conversation's KV cache was not kept");
  const turns = await readTopic(events, topicName(prefix, datasets.turns));
  assert.equal(turns.filter((event) => event.type === 'TurnMeasured').length, 2);
  assert.equal(turns.filter((event) => event.type === 'UsageRecorded').length, 2);
  await events.log.close();
});

test('stop ends a real answer within a few tokens and keeps what was said', async () => {
  const client = new ChatClient(() => platform.url());
  const asked = client.ask({
    text: 'Write a very long story about the sea.',
    max_tokens: 400,
    temperature: 0,
  });
  const [answer] = client.answers.values();
  while ((answer?.lastSeq ?? -1) < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  await client.send({ type: 'stop', inference_id: answer?.inferenceId });
  const stopped = await asked;
  client.close();
  assert.equal(stopped.outcome, 'cancelled');
  assert.ok(stopped.text.length > 0);
});

test('POST /conversation answers as the first specification says', async () => {
  const response = await fetch(`${platform.url()}/conversation`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Say hello.', max_tokens: 20 }),
  });
  assert.equal(response.status, 200);
  const body: unknown = await response.json();
  assert.ok(typeof body === 'object' && body !== null);
  assert.deepEqual(Object.keys(body).sort(), ['conversation_id', 'latency_ms', 'response', 'tokens_used']);
  assert.ok('response' in body && typeof body.response === 'string' && body.response.length > 0);
});
