import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readRecorded } from '../support/recorded.ts';

/** A Steno whose model is another Steno with the real model: each records the whole of its own turn. */

const MODEL = 'smollm2-135m-instruct';
const ROLES = ['processors', 'inference-worker', 'gateway'];
let behind: Platform;
let front: Platform;

before(async () => {
  behind = await startPlatform({ roles: ROLES, env: { STENO_MODEL: MODEL } });
  front = await startPlatform({
    roles: ROLES,
    env: { STENO_MODEL: `openai:${MODEL}`, OPENAI_BASE_URL: `${behind.url()}/v1` },
  });
});
after(async () => {
  await front.stop();
  await behind.stop();
});

test('both have recorded the same answer, and what it cost', async () => {
  const client = new ChatClient(() => front.url());
  const seen = await client.ask({ text: 'Name three colours.', temperature: 0, max_tokens: 40 });
  assert.equal(seen.outcome, 'completed');
  assert.ok(seen.text.length > 0);
  const [recorded, answered] = await Promise.all([endOf(front, seen.text), endOf(behind, seen.text)]);
  assert.deepEqual([recorded.engine, answered.engine], ['openai-compatible', 'llama-cpp']);
  assert.equal(recorded.textHash, answered.textHash);
  assert.deepEqual(
    [recorded.promptTokens, recorded.completionTokens, recorded.finishReason],
    [answered.promptTokens, answered.completionTokens, answered.finishReason],
  );
  client.close();
});

type Completed = Extract<
  Awaited<ReturnType<typeof readRecorded>>['conversations'][number],
  { type: 'InferenceCompleted' }
>;

async function endOf(platform: Platform, text: string): Promise<Completed['data']> {
  const { conversations } = await readRecorded(platform);
  const end = conversations.find(
    (event): event is Completed => event.type === 'InferenceCompleted' && event.data.content.text === text,
  );
  assert.ok(end !== undefined, 'the answer is on the log');
  return end.data;
}
