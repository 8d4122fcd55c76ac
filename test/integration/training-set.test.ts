import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { apiOf, type Api } from '../support/api.ts';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { startSteno } from '../support/steno-command.ts';

/** `steno training-set`: what people said of answers becomes examples, and it is known of which. */

const FILES = ['demonstrations.eval', 'demonstrations.train', 'preferences.eval', 'preferences.train'];
let platform: Platform;
let client: ChatClient;
let api: Api;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'steno-training-'));
  platform = await startPlatform();
  client = new ChatClient(() => platform.url());
  api = apiOf(platform.url(), null);
});
after(async () => {
  client.close();
  await platform.stop();
  await rm(folder, { recursive: true });
});

async function judge(inferenceId: string, feedback: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = await api.send('POST', '/v1/feedback', { inference_id: inferenceId, ...feedback });
  assert.ok(answer.status < 300, answer.text);
}

async function made(name: string, ...flags: readonly string[]) {
  const to = join(folder, name);
  const words = ['training-set', to, '--json', ...flags];
  const { code, stdout, stderr } = await startSteno(words, { ...process.env, ...platform.env }).ended;
  assert.equal(code, 0, stderr);
  const lines = async (file: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    (await readFile(join(to, `${file}.jsonl`), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  return { to, lines, outcome: JSON.parse(stdout) as { written: Record<string, number>; redacted: object } };
}

test('judged answers become examples with the prompt that the model read, without personal data, in one side of the split', async () => {
  const first = await client.ask({ text: 'mail ann@acme.example [[tokens=5]]' });
  const { conversationId } = first;
  const second = await client.ask({ text: 'and more [[tokens=6]]', conversation_id: conversationId });
  const again = await client.ask({
    ...{ text: 'and more [[tokens=6 seed=2]]', conversation_id: conversationId },
    ...{ kind: 'edit', target_id: second.messageId },
  });
  await client.ask({ text: 'nobody judges this [[tokens=5]]' });
  await judge(first.inferenceId, { thumb: 1 });
  await judge(again.inferenceId, { thumb: -1, correction: 'Write to bob@acme.example.' });
  for (let turn = 0; turn < 8; turn += 1) {
    const other = await client.ask({ text: `turn ${turn} [[tokens=4]]` });
    await judge(other.inferenceId, { rating: 5 });
  }

  const { to, lines, outcome } = await made('set', '--eval', '50');
  const all = async (kind: string) => [...(await lines(`${kind}.train`)), ...(await lines(`${kind}.eval`))];
  const demonstrations = await all('demonstrations');
  assert.equal(demonstrations.length, 10);
  assert.deepEqual((await all('preferences'))[0], {
    prompt: [
      { role: 'user', content: 'mail [email] [[tokens=5]]' },
      { role: 'assistant', content: first.text },
      { role: 'user', content: 'and more [[tokens=6 seed=2]]' },
    ],
    chosen: [{ role: 'assistant', content: 'Write to [email].' }],
    rejected: [{ role: 'assistant', content: again.text }],
  });
  assert.deepEqual(Object.keys(outcome.redacted), ['email']);
  for (const file of await readdir(to))
    assert.doesNotMatch(await readFile(join(to, file), 'utf8'), /acme\.example/);
  assert.match(execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: to, encoding: 'utf8' }), /OK/);

  for (const file of FILES) assert.equal((await lines(file)).length, (await lines(`${file}.sources`)).length);
  const sides = await Promise.all(
    ['train', 'eval'].map(async (split) => {
      const sources = [
        ...(await lines(`demonstrations.${split}.sources`)),
        ...(await lines(`preferences.${split}.sources`)),
      ];
      return new Set(sources.map((source) => source['conversationId']));
    }),
  );
  const [trained, evaluated] = sides;
  assert.ok([...(trained ?? [])].every((conversation) => evaluated?.has(conversation) === false));
  const kept = await made('kept', '--keep-personal', '--eval', '50');
  assert.match(
    JSON.stringify(await kept.lines('demonstrations.train')) +
      JSON.stringify(await kept.lines('demonstrations.eval')),
    /ann@acme\.example/,
  );
  assert.deepEqual(kept.outcome.written, outcome.written, 'the split is the same');
});

test('a folder that holds something is refused, and so is a share that is none', async () => {
  const run = (...words: readonly string[]) =>
    startSteno(['training-set', ...words], { ...process.env, ...platform.env }).ended;
  const used = await run(join(folder, 'set'));
  assert.deepEqual([used.code, /is not empty/.test(used.stderr)], [1, true]);
  const share = await run(join(folder, 'none'), '--eval', '120');
  assert.deepEqual([share.code, /from 0 to 100/.test(share.stderr)], [2, true]);
});
