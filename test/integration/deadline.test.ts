import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { until } from '../support/until.ts';

/** Nothing stays stuck: past its deadline an inference is ended by prepare-turn, with the text there is. */

const CATALOGUE = new URL('../../inference-workers/models/catalogue.json', import.meta.url);
let platform: Platform;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'steno-models-'));
  const file = join(folder, 'models.json');
  // Our own catalogue, with a deadline that a test can wait for.
  const catalogue = JSON.parse(readFileSync(CATALOGUE, 'utf8')) as { models: Record<string, unknown>[] };
  const models = catalogue.models.map((model) => ({ ...model, deadlineMs: 2_000 }));
  writeFileSync(file, JSON.stringify({ models }));
  platform = await startPlatform({ env: { STENO_MODELS_FILE: file } });
});
after(async () => {
  await platform.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a model that hangs in the middle is timed out with its partial text, and the conversation goes on', async () => {
  const client = new ChatClient(() => platform.url());
  const hung = await client.ask({ text: 'stop in the middle [[tokens=20 hang=after:5]]', model: 'scripted' });
  assert.equal(hung.outcome, 'failed');
  assert.equal(hung.code, 'timeout');
  assert.ok(hung.text.length > 0);
  const next = await client.ask({ text: 'and now', conversation_id: hung.conversationId, model: 'scripted' });
  assert.equal(next.outcome, 'completed');

  await until(
    'both turns are measured',
    async () => problemsOf([client], await readRecorded(platform)).length === 0,
  );
  const { conversations } = await readRecorded(platform);
  const own = conversations.filter(
    (event) => 'inferenceId' in event.data && event.data.inferenceId === hung.inferenceId,
  );
  const [message, ...rest] = own;
  const failure = rest.pop();
  assert.ok(message?.type === 'MessageSubmitted');
  assert.ok(failure?.type === 'InferenceFailed', 'one end, and nothing after it');
  // One fence where the machine keeps up. Where it does not, another one is right: a worker that lost its partition
  // takes the request over, or the deadline passes again before the first fence is folded. The last one ends it.
  assert.ok(rest.every(({ type }) => type === 'AttemptStarted'));
  const last = rest.at(-1);
  assert.ok(last?.type === 'AttemptStarted' && last.data.reason === 'deadline');
  assert.equal(failure.data.claim, last.data.claim);
  assert.equal(failure.data.content.text, hung.text);
  assert.equal(failure.data.producer.service, 'prepare-turn');
  client.close();
});
