import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { sendAnswer } from '../../bench/support/scripted-backend.ts';
import { ScriptedEngine } from '../../inference-workers/engines/scripted/scripted-engine.ts';
import { answer, aPrompt } from '../contract/engine.ts';
import { parseConfig } from '../../runtime/config.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { requestTopic } from '../../streams/topics.ts';
import { ChatClient } from '../support/chat-client.ts';
import {
  cut,
  hang,
  startMisbehavingBackend,
  status,
  type MisbehavingBackend,
} from '../support/misbehaving-backend.ts';
import { writeModels, type ModelsFile } from '../support/models-file.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { kill9 } from '../support/role-process.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { readTopic } from '../support/read-topic.ts';
import { until } from '../support/until.ts';

/** P13 and the chain behind it: where one model cannot answer another does, before its first token and after. */

let backend: MisbehavingBackend;
let platform: Platform;
let client: ChatClient;
let models: ModelsFile;
let cutIn = '';

before(async () => {
  backend = await startMisbehavingBackend();
  const server = { baseUrl: backend.baseUrl, model: 'there', continues: true };
  models = await writeModels([
    {
      ...{ id: 'large', engine: 'openai-compatible', fallbacks: ['scripted'], firstTokenMs: 2_000 },
      backend: { ...server, breaker: { failures: 5, openMs: 1_000 } },
    },
    // Nobody serves it.
    { id: 'absent', engine: 'scripted', fallbacks: ['scripted'] },
    { id: 'scripted', engine: 'scripted' },
  ]);
  platform = await startPlatform({ env: { STENO_MODELS_FILE: models.path, STENO_MODEL: 'large' } });
  await platform.start('inference-worker', { STENO_MODEL: 'scripted' });
  client = new ChatClient(() => platform.url());
});
after(async () => {
  client.close();
  await platform.stop();
  await backend.close();
  await models.remove();
});

async function wholeAnswer(text: string): Promise<string> {
  const messages = [{ role: 'user' as const, text }];
  return (await answer(new ScriptedEngine(), aPrompt({ messages, maxTokens: 500 }))).text;
}

test('a model that is well answers itself', async () => {
  const text = 'First [[tokens=6]]';
  const seen = await client.ask({ text });
  assert.deepEqual([seen.outcome, seen.text, seen.model], ['completed', await wholeAnswer(text), 'large']);
});

test('a backend that fails before its first token costs nobody an answer; who answered is named', async () => {
  backend.next(status(500, 'server_error'));
  const text = 'Second [[tokens=6]]';
  const seen = await client.ask({ text });
  assert.deepEqual([seen.outcome, seen.text, seen.model], ['completed', await wholeAnswer(text), 'scripted']);
  const openai = new OpenAI({ baseURL: `${platform.url()}/v1`, apiKey: 'none', maxRetries: 0 });
  backend.next(status(503, 'loading'));
  const names = new Set<string>();
  for await (const chunk of await openai.chat.completions.create({
    model: 'large',
    stream: true,
    messages: [{ role: 'user', content: 'Third [[tokens=6]]' }],
  }))
    names.add(chunk.model);
  assert.deepEqual([...names], ['scripted']);
});

test('an answer that was cut goes on with the other model’s words, without a reset', async () => {
  backend.next(cut(5));
  const text = 'Fourth [[tokens=20]]';
  const seen = await client.ask({ text });
  cutIn = seen.inferenceId;
  assert.deepEqual(
    [seen.outcome, seen.text, seen.resets, seen.model],
    ['completed', await wholeAnswer(text), 0, 'scripted'],
  );
});

test('a backend that says nothing is left after its time', async () => {
  backend.next(hang);
  const text = 'Fifth [[tokens=3]]';
  const seen = await client.ask({ text });
  assert.deepEqual([seen.outcome, seen.text, seen.model], ['completed', await wholeAnswer(text), 'scripted']);
});

test('the record says who was asked, and counts what each did', async () => {
  const { turns, conversations } = await readRecorded(platform);
  const events = await connectEvents(parseConfig(platform.env), 'reader', ['scripted']);
  const requests = await readTopic(events, requestTopic(platform.cluster.prefix, 'scripted', 'interactive'));
  await events.log.close();
  const handed = requests.flatMap((event) =>
    event.type === 'InferenceRequested' && event.data.fallbackFrom.length > 0 ? [event.data] : [],
  );
  assert.equal(handed.length, 4);
  for (const { fallbackFrom, route } of handed)
    assert.deepEqual([fallbackFrom, route.model, route.pool], [['large'], 'scripted', 'scripted']);
  // A taker counts what it replaced as well: under the same id, which readers drop.
  const used = new Map(
    turns.flatMap((event) =>
      event.type === 'UsageRecorded' && event.data.inferenceId === cutIn
        ? [[event.data.eventId, `${event.data.model} ${event.data.outcome}`] as const]
        : [],
    ),
  );
  assert.deepEqual([...used.values()].sort(), ['large failed', 'scripted completed']);
  const measured = turns.find((event) => event.type === 'TurnMeasured' && event.data.inferenceId === cutIn);
  assert.ok(measured?.type === 'TurnMeasured');
  assert.deepEqual([measured.data.model, measured.data.answeredBy], ['large', 'scripted']);
  assert.ok(conversations.every(({ type }) => type !== 'InferenceFailed'));
});

test('while the breaker is open the other model answers at once; it closes by itself', async () => {
  backend.always(status(500, 'server_error'));
  for (let message = 0; message < 8; message += 1) {
    const seen = await client.ask({ text: `Breaker ${message} [[tokens=2]]` });
    assert.deepEqual([seen.outcome, seen.model], ['completed', 'scripted']);
  }
  const asked = backend.requests.length;
  const began = performance.now();
  const seen = await client.ask({ text: 'Open [[tokens=2]]' });
  assert.equal(seen.model, 'scripted');
  assert.ok(performance.now() - began < 5_000);
  assert.ok(
    backend.requests.slice(asked).every(({ chat }) => chat.maxTokens === 1),
    'probes only',
  );
  backend.always(null);
  await until('the model answers again', async () => {
    const { model } = await client.ask({ text: 'Well? [[tokens=2]]' });
    return model === 'large';
  });
});

test('a model that nobody serves is answered for by the next of its chain', async () => {
  const seen = await client.ask({ text: 'Sixth [[tokens=3]]', model: 'absent' });
  assert.deepEqual([seen.outcome, seen.model], ['completed', 'scripted']);
});

test('workers that are killed while they hand over lose nothing and end nothing twice', async () => {
  // The one token that proves a worker comes whole.
  backend.always((response, chat, ...rest) =>
    (chat.maxTokens === 1 ? sendAnswer : cut(3))(response, chat, ...rest),
  );
  const asked = Array.from({ length: 40 }, (_, index) =>
    client.ask({ text: `Killed ${index} [[tokens=30 pace=5]]` }),
  );
  let worker = platform.find('inference-worker');
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await kill9(worker);
    worker = await platform.start('inference-worker', { STENO_MODEL: 'large' });
  }
  const seen = await Promise.all(asked);
  backend.always(null);
  for (const { outcome } of seen) assert.equal(outcome, 'completed');
  assert.deepEqual(problemsOf([client], await readRecorded(platform)), []);
});
