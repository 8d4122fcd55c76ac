import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';

/** P2: the same key, at any gateway, never makes a second turn; it attaches to the first. */

let platform: Platform;
let second: string;

before(async () => {
  platform = await startPlatform();
  second = (await platform.start('gateway', { STENO_REPLY_PARTITION: '7' })).address ?? '';
});
after(async () => {
  await platform.stop();
});

test('the same message at two gateways at the same time is one turn with one answer', async () => {
  const here = new ChatClient(() => platform.url());
  const there = new ChatClient(() => second);
  const message = { id: randomUUID(), text: 'only once [[tokens=30 pace=10]]', model: 'scripted' };
  const [first, repeat] = await Promise.all([here.ask(message), there.ask(message)]);
  assert.equal(first.inferenceId, repeat.inferenceId);
  assert.equal(first.outcome, 'completed');
  assert.equal(repeat.text, first.text);
  const recorded = await readRecorded(platform);
  assert.deepEqual(problemsOf([here, there], recorded), []);
  const requested = recorded.conversations.filter((event) => event.type === 'MessageSubmitted');
  assert.equal(requested.length, 2, 'both submissions are on the log');
  const answers = recorded.conversations.filter((event) => event.type === 'InferenceCompleted');
  assert.equal(answers.length, 1);
  here.close();
  there.close();
});

test('a repeat after the answer shows the recorded answer; another body under the same key is refused', async () => {
  const client = new ChatClient(() => platform.url());
  const id = randomUUID();
  const first = await client.ask({ id, text: 'said once', model: 'scripted' });
  const later = new ChatClient(() => second);
  const repeat = await later.ask({ id, text: 'said once', model: 'scripted' });
  assert.equal(repeat.text, first.text);
  const other = await new ChatClient(() => second).ask({ id, text: 'said otherwise', model: 'scripted' });
  assert.equal(other.outcome, 'failed');
  assert.equal(other.code, 'idempotency_mismatch');
  client.close();
  later.close();
});
