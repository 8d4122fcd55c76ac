import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { until } from '../support/until.ts';

/** Tiers on the real model: who waits for a person is served before who does not. */

/** Prompts that the engine answers at once. */
const SLOTS = 4;
const LONG = 150;
let platform: Platform;
let client: ChatClient;
before(async () => {
  platform = await startPlatform({ env: { STENO_MODEL: 'smollm2-135m-instruct' } });
  client = new ChatClient(() => platform.url());
});
after(async () => {
  client.close();
  await platform.stop();
});

function batch(count: number): readonly Promise<SeenAnswer>[] {
  return Array.from({ length: count }, (_, index) =>
    client.ask({
      id: `batch-${index}`,
      text: `Tell a very long story about the number ${index}, with many persons.`,
      ...{ tier: 'batch', temperature: 0, max_tokens: LONG },
    }),
  );
}

test('an answer that a person waits for is given in the middle of others, which go on and lose nothing', async () => {
  const long = batch(SLOTS);
  const seen = (): readonly SeenAnswer[] => [...client.answers.values()];
  await until(
    'all slots are taken',
    () => seen().filter(({ seqs }) => seqs.length > 0).length === SLOTS,
    60_000,
  );
  const [person] = await Promise.all([
    client.ask({ id: 'person', text: 'Say hello.', temperature: 0, max_tokens: 8 }),
  ]);
  assert.equal(person.outcome, 'completed');
  assert.ok(
    seen().every(({ requestId, outcome }) => requestId === 'person' || outcome === null),
    'no slot was free before',
  );
  for (const { outcome, resets } of await Promise.all(long))
    assert.deepEqual([outcome, resets], ['completed', 0]);
  const recorded = await readRecorded(platform);
  assert.deepEqual(problemsOf([client], recorded), []);
  const ends = recorded.conversations.flatMap((event) =>
    event.type === 'InferenceCompleted' ? [event.data] : [],
  );
  for (const { attempt, completionTokens, finishReason } of ends)
    assert.ok(attempt === 1 && (finishReason === 'stop' || completionTokens <= LONG));
  const tiers = recorded.turns.flatMap((event) => (event.type === 'TurnMeasured' ? [event.data.tier] : []));
  assert.deepEqual(tiers.toSorted(), ['batch', 'batch', 'batch', 'batch', 'interactive']);
});

test('OpenAI’s clients name a tier as they do there; what is none is refused by name', async () => {
  const openai = new OpenAI({ baseURL: `${platform.url()}/v1`, apiKey: 'none', maxRetries: 0 });
  const asked = {
    model: 'smollm2-135m-instruct',
    max_completion_tokens: 2,
    messages: [{ role: 'user' as const, content: 'Say yes.' }],
  };
  await openai.chat.completions.create({ ...asked, service_tier: 'flex' });
  await openai.chat.completions.create({ ...asked, service_tier: 'priority' });
  const { turns } = await readRecorded(platform);
  const counted = turns.flatMap((event) =>
    event.type === 'TurnMeasured' && event.data.transport === 'chat_completions' ? [event.data.tier] : [],
  );
  assert.deepEqual(counted.toSorted(), ['batch', 'interactive']);
  const refused = await fetch(`${platform.url()}/v1/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'hello', tier: 'urgent' }),
  });
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /"param":"tier"/);
});
