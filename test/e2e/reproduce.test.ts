import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../runtime/config.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { startSteno } from '../support/steno-command.ts';
import { until } from '../support/until.ts';

/** `steno reproduce` with a real model: the same again, or why not; nothing but the look is written (P6). */

const MODEL = 'smollm2-135m-instruct';
let platform: Platform;
let client: ChatClient;
let events: EventLog;

before(async () => {
  platform = await startPlatform({ env: { STENO_MODEL: MODEL } });
  client = new ChatClient(() => platform.url());
  events = await connectEvents(parseConfig(platform.env), 'test', ['small', 'scripted']);
});
after(async () => {
  client.close();
  await events.log.close();
  await platform.stop();
});

async function reproduce(answer: SeenAnswer, env: Readonly<Record<string, string>> = {}) {
  const words = ['reproduce', answer.inferenceId, '--json', '--conversation', answer.conversationId];
  const { code, stdout, stderr } = await startSteno(words, { ...process.env, ...platform.env, ...env }).ended;
  assert.notEqual(stdout, '', stderr);
  return { code, said: JSON.parse(stdout) as Readonly<Record<string, unknown>> };
}

async function lengthOf(dataset: (typeof datasets)[keyof typeof datasets]): Promise<number> {
  const ends = await events.log.offsets(topicName(platform.cluster.prefix, dataset), 'end');
  return ends.reduce((sum, end) => sum + end, 0);
}

test('a greedy answer, one with a seed and one of a second turn are given again, and only the look is recorded', async () => {
  const greedy = await client.ask({ text: 'Name three colours.', max_tokens: 24, temperature: 0 });
  const seeded = await client.ask({
    ...{ text: 'And three animals?', conversation_id: greedy.conversationId },
    ...{ max_tokens: 24, temperature: 0.9, seed: 42 },
  });
  const { conversations, inferenceDeltas, turns, audit } = datasets;
  const lengths = () => Promise.all([conversations, inferenceDeltas, turns, audit].map(lengthOf));
  // Of each turn its measure and its use come after its end.
  await until('both turns are measured', async () => (await lengthOf(turns)) === 4);
  const before = await lengths();
  for (const answer of [greedy, seeded]) {
    const { code, said } = await reproduce(answer);
    assert.deepEqual([code, said['outcome']], [0, 'reproduced'], JSON.stringify(said));
    assert.ok(Number(said['tokens']) > 5);
  }
  const [asked, deltas, measured, looks = 0] = before;
  assert.deepEqual(await lengths(), [asked, deltas, measured, looks + 2]);
});

test('words drawn without a seed, and those of another file, are not reproducible, and it says why', async () => {
  const drawn = await client.ask({ text: 'Say a word.', max_tokens: 8, temperature: 0.9 });
  const chance = await reproduce(drawn);
  assert.deepEqual([chance.code, chance.said['outcome']], [5, 'not reproducible']);
  assert.match(String(chance.said['why']), /without a seed/);

  const greedy = await client.ask({ text: 'Say a word.', max_tokens: 8, temperature: 0 });
  const catalogue = await readFile('inference-workers/models/catalogue.json', 'utf8');
  const { models } = JSON.parse(catalogue) as { models: { id: string; sha256?: string }[] };
  const hash = models.find(({ id }) => id === MODEL)?.sha256 ?? '';
  assert.equal(hash.length, 64);
  const file = join(platform.dataDir, 'other-catalogue.json');
  await writeFile(file, catalogue.replaceAll(hash, 'f'.repeat(64)));
  const other = await reproduce(greedy, { STENO_MODELS_FILE: file });
  assert.equal(other.code, 5);
  assert.match(String(other.said['why']), /another file now: ffff/);
});
