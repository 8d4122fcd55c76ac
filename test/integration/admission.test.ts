import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startMisbehavingBackend, type MisbehavingBackend } from '../support/misbehaving-backend.ts';
import { writeModels, type ModelsFile } from '../support/models-file.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { until } from '../support/until.ts';

/** P10, before the queue is long: what would wait too long for its first token is refused, and nothing that was taken in is lost. */

let backend: MisbehavingBackend;
let platform: Platform;
let client: ChatClient;
let models: ModelsFile;

before(async () => {
  backend = await startMisbehavingBackend();
  models = await writeModels([
    // Two answers at once.
    {
      id: 'narrow',
      engine: 'openai-compatible',
      backend: { baseUrl: backend.baseUrl, model: 'there', slots: 2 },
    },
  ]);
  platform = await startPlatform({
    env: { STENO_MODELS_FILE: models.path, STENO_MODEL: 'narrow', STENO_MAX_WAIT_SECONDS: '4' },
  });
  client = new ChatClient(() => platform.url());
});
after(async () => {
  client.close();
  await platform.stop();
  await backend.close();
  await models.remove();
});

/** Half a second in one of two slots: four of them begin in a second. */
const text = (number: number): string => `Question ${number} [[tokens=6 pace=100]]`;

test('at several times what the workers do, the rest is refused at once and told when to come back', async () => {
  const asked: Promise<SeenAnswer>[] = [];
  const refused: { readonly status: number; readonly code: unknown; readonly retryAfter: number }[] = [];
  for (let number = 0; refused.length < 20 && number < 400; number += 1) {
    // Over HTTP, beside what waits: its status and headers are what clients act on.
    const answered = await fetch(`${platform.url()}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'narrow',
        messages: [{ role: 'user', content: text(1_000 + number) }],
        stream: true,
      }),
      signal: AbortSignal.timeout(50),
    }).catch(() => null);
    if (answered !== null && answered.status !== 200) {
      const { error } = (await answered.json()) as { error: { code: string } };
      const retryAfter = Number(answered.headers.get('retry-after'));
      refused.push({ status: answered.status, code: error.code, retryAfter });
      continue;
    }
    if (refused.length === 0) asked.push(client.ask({ text: text(number) }));
  }
  assert.equal(refused.length, 20);
  for (const { status, code, retryAfter } of refused) {
    assert.deepEqual([status, code], [503, 'overloaded']);
    assert.ok(retryAfter >= 1 && retryAfter <= 60, String(retryAfter));
  }
  // Who may wait is taken in meanwhile.
  const batch = client.ask({ text: 'Later [[tokens=2]]', tier: 'batch' });
  const answers = await Promise.all([...asked, batch]);
  const accepted = answers.filter(({ outcome }) => outcome === 'completed');
  assert.ok(accepted.length > 0);
  assert.equal((await batch).outcome, 'completed');
  for (const { outcome, code } of answers)
    if (outcome !== 'completed') assert.equal(code, 'overloaded', 'nothing else keeps a message out');
  assert.deepEqual(problemsOf([client], await readRecorded(platform)), []);
});

test('when the queue is short again everybody is let in', async () => {
  await until('a message is answered', async () => {
    const seen = await client.ask({ text: 'And now? [[tokens=2]]' });
    return seen.outcome === 'completed';
  });
});
