import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../runtime/config.ts';
import type { Explanation } from '../../replay/explain/explain.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { readTopic } from '../support/read-topic.ts';
import { kill9 } from '../support/role-process.ts';
import { startSteno } from '../support/steno-command.ts';

/** `steno explain`: any answer is explained from the log alone, and nothing but the look itself is written. */

let platform: Platform;
let events: EventLog;
let client: ChatClient;
before(async () => {
  platform = await startPlatform({ roles: ['processors', 'inference-worker', 'projections', 'gateway'] });
  events = await connectEvents(parseConfig(platform.env), 'test', ['scripted', 'small']);
  client = new ChatClient(() => platform.url());
});
after(async () => {
  client.close();
  await events.log.close();
  await platform.stop();
});

type Shown = Explanation & { readonly prompt: { readonly messages?: unknown } };

async function explained(
  { inferenceId }: Pick<SeenAnswer, 'inferenceId'>,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return startSteno(['explain', inferenceId, ...flags], { ...process.env, ...platform.env, ...env }).ended;
}

async function json(answer: SeenAnswer, flags: readonly string[] = []): Promise<Shown> {
  const { code, stdout, stderr } = await explained(answer, ['--json', ...flags]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Shown;
}

async function endsOf(): Promise<Readonly<Record<string, number>>> {
  const names = Object.entries(datasets)
    .filter(([name]) => !name.startsWith('inferenceRequests'))
    .map(([, dataset]) => topicName(platform.cluster.prefix, dataset));
  const all = [...names, requestTopic(platform.cluster.prefix, 'scripted', 'interactive')];
  const counted = await Promise.all(
    all.map(
      async (topic) =>
        [topic, (await events.log.offsets(topic, 'end')).reduce((sum, end) => sum + end, 0)] as const,
    ),
  );
  return Object.fromEntries(counted);
}

test('every turn of a conversation is explained, and its prompt is the same, byte for byte', async () => {
  const first = await client.ask({ text: 'a question [[tokens=5]]' });
  const { conversationId: conversation_id } = first;
  const second = await client.ask({ text: 'and then? [[tokens=5]]', conversation_id });
  const edited = await client.ask({
    ...{ text: 'and now? [[tokens=5]]', conversation_id },
    ...{ kind: 'edit', target_id: second.messageId },
  });
  for (const answer of [first, second, edited]) {
    const { prompt, asked, end } = await json(answer);
    assert.deepEqual(prompt.verdict, { type: 'same' });
    assert.equal(prompt.messages, undefined, 'no words unless they are asked for');
    assert.deepEqual([asked.tenantId, asked.transport], ['default', 'websocket']);
    assert.deepEqual([end?.type, end?.how, end?.completionTokens], ['InferenceCompleted', 'stop', 5]);
    assert.ok((end?.deltas ?? 0) > 0);
  }
  const { prompt, chain, usage } = await json(edited, ['--content', '--conversation', conversation_id]);
  assert.match(JSON.stringify(prompt.messages), /a question.*and now\?/);
  assert.doesNotMatch(JSON.stringify(prompt.messages), /and then\?/);
  assert.deepEqual(
    chain.map(({ type }) => type).filter((type) => type !== 'TurnMeasured' && type !== 'UsageRecorded'),
    ['MessageSubmitted', 'AttemptStarted', 'InferenceCompleted', 'InferenceEnded'],
  );
  assert.equal(usage.length, 1);
});

test('a person reads it; an answer that nobody knows is said so; another window shows as different', async () => {
  const first = await client.ask({ text: 'tell me [[tokens=5]]' });
  const { conversationId: conversation_id } = first;
  const second = await client.ask({ text: 'more [[tokens=5]]', conversation_id });
  const read = await explained(second, ['--content']);
  assert.equal(read.code, 0, read.stderr);
  for (const line of [
    /^Answer inf_/,
    /made again +the same, byte for byte/,
    /included +answer \d+ tokens/,
    /user: +more/,
  ])
    assert.match(read.stdout, new RegExp(line.source, 'm'));
  assert.doesNotMatch((await explained(second)).stdout, /tell me/);

  const nobody = await explained({ inferenceId: 'inf_nobody' });
  assert.deepEqual([nobody.code, nobody.stdout], [1, '']);
  assert.match(nobody.stderr, /the log has no message/);
  const other = await explained(second, [], { STENO_CONTEXT_MAX_CHARACTERS: '10' });
  assert.equal(other.code, 4, other.stderr);
  assert.match(other.stdout, /DIFFERENT: something else was chosen/);
});

test('an answer that another worker ended has both attempts', async () => {
  const asked = client.ask({ text: 'long [[tokens=200 pace=20]]' });
  const answer = [...client.answers.values()].at(-1);
  while ((answer?.text ?? '').length < 20) await new Promise((resolve) => setTimeout(resolve, 20));
  await kill9(platform.find('inference-worker'));
  void platform.start('inference-worker');
  const { attempts, end, usage } = await json(await asked);
  assert.deepEqual(
    attempts.map(({ attempt }) => attempt),
    [1, 2],
  );
  assert.equal(end?.attempt, 2);
  assert.deepEqual(usage.map(({ attempt, estimated }) => [attempt, estimated]).sort(), [
    [1, true],
    [2, false],
  ]);
});

test('a conversation is told again, as it is and as it was', async () => {
  const replay = async (...flags: readonly string[]) =>
    startSteno(['replay', 'conversation', ...flags], { ...process.env, ...platform.env }).ended;
  const first = await client.ask({ text: 'the first [[tokens=5]]' });
  const { conversationId } = first;
  const at = new Date(Date.now() + 1).toISOString();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const second = await client.ask({ text: 'the second [[tokens=5]]', conversation_id: conversationId });
  const now = await replay(conversationId, '--content', '--pace', 'original');
  assert.equal(now.code, 0, now.stderr);
  for (const words of ['the first', first.text, 'the second', second.text])
    assert.ok(now.stdout.includes(words), words);
  const then = await replay(conversationId, '--content', '--as-of', at);
  assert.ok(then.stdout.includes(first.text) && !then.stdout.includes('the second'));
  assert.doesNotMatch((await replay(conversationId)).stdout, /the first/);
  const context = await startSteno(['context', conversationId, '--content', '--as-of', at], {
    ...process.env,
    ...platform.env,
  }).ended;
  assert.equal(context.code, 0, context.stderr);
  assert.match(context.stdout, /included +message \d+ tokens/);
  assert.ok(context.stdout.includes(first.text) && !context.stdout.includes('the second'));
  const early = await replay(conversationId, '--as-of', '2020-01-01');
  assert.deepEqual([early.code, early.stdout], [1, '']);
});

test('nothing is written but that somebody looked', async () => {
  const answer = await client.ask({ text: 'quiet [[tokens=5]]' });
  await json(answer);
  const before = await endsOf();
  const told = startSteno(['replay', 'conversation', answer.conversationId], {
    ...process.env,
    ...platform.env,
  });
  assert.equal((await told.ended).code, 0);
  await json(answer, ['--purpose', 'a complaint']);
  const audit = topicName(platform.cluster.prefix, datasets.audit);
  // Samples of workers come all the time.
  const metrics = topicName(platform.cluster.prefix, datasets.metrics);
  const now = await endsOf();
  const changed = Object.keys(now).filter((topic) => now[topic] !== before[topic] && topic !== metrics);
  assert.deepEqual(changed, [audit]);
  const looks = (await readTopic(events, audit)).filter(
    (event: LoggedEvent) => event.type === 'AccessRecorded',
  );
  const last = looks.find(({ data }) => 'purpose' in data && data.purpose === 'a complaint');
  assert.ok(last?.type === 'AccessRecorded');
  assert.deepEqual(
    [last.data.action, last.data.resource, last.data.tenantId],
    ['explain', answer.inferenceId, 'default'],
  );
});
