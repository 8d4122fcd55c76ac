import { CACHE_DIR } from '../support/cache-dir.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readRunState, type RunState } from '../../cli/run-state.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import { startSteno, type RunningCommand } from '../support/steno-command.ts';
import { until } from '../support/until.ts';

/** What a person does at a terminal beside a running `steno up`: ask, stop, read topics, play a demonstration, look. */

const START_MS = 240_000;
const LONG = 'Write a very long story about the sea.';
let dataDir: string;
let up: RunningCommand;
let url: string;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'steno-cli-'));
  up = startSteno(['up'], environment());
  await until(
    'steno up is ready',
    async () => {
      assert.equal(up.child.exitCode, null, up.stderr());
      return (await readRunState(dataDir))?.phase === 'ready';
    },
    START_MS,
  );
  url = gatewayIn(await stateNow()).address ?? '';
});
after(async () => {
  up.child.kill('SIGINT');
  await up.ended;
  await rm(dataDir, { recursive: true, force: true });
});

function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { STENO_TEST_BROKERS: _brokers, STENO_TEST_REGISTRY: _registry, ...rest } = process.env;
  return { ...rest, STENO_DATA_DIR: dataDir, STENO_CACHE_DIR: CACHE_DIR, PORT: '0', ...more };
}

const steno = (...parameters: readonly string[]) => startSteno(parameters, environment()).ended;

async function stateNow(): Promise<RunState> {
  const state = await readRunState(dataDir);
  assert.ok(state !== null);
  return state;
}

function gatewayIn(state: RunState): RunState['roles'][number] {
  const gateway = state.roles.find(({ name }) => name === 'gateway');
  assert.ok(gateway !== undefined);
  return gateway;
}

type Turn = { readonly response: string; readonly status: string; readonly metadata: unknown };

/** The recorded turns of a conversation, newest first. */
async function turnsOf(id: string): Promise<readonly Turn[]> {
  const response = await fetch(`${url}/v1/conversations/${id}`);
  assert.equal(response.status, 200);
  // The shape of our own history.
  return ((await response.json()) as { turns: { items: Turn[] } }).turns.items;
}

function conversationIn(stderr: string): string {
  const id = /^conversation (conv_\S+)$/m.exec(stderr)?.[1];
  assert.ok(id !== undefined, stderr);
  return id;
}

test('ask writes the answer alone to stdout and goes on with a conversation', async () => {
  const first = await steno('ask', 'Say hello.', '--max-tokens', '12');
  assert.equal(first.code, 0, first.stderr);
  const id = conversationIn(first.stderr);
  const second = startSteno(
    ['ask', '-', '--max-tokens', '8', '--conversation', id, '--json'],
    environment(),
    'Again.\n',
  );
  const { code, stdout } = await second.ended;
  assert.equal(code, 0);
  // Frames as the gateway sends them.
  const frames = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; text?: string });
  assert.deepEqual([frames[0]?.type, frames.at(-1)?.type], ['accepted', 'done']);
  const [newest, oldest] = await turnsOf(id);
  assert.equal(first.stdout, `${oldest?.response ?? ''}\n`.replace(/\n\n$/, '\n'));
  assert.equal(frames.map(({ text }) => text ?? '').join(''), newest?.response);
});

test('the first Ctrl-C stops the answer and waits for its recorded end', async () => {
  const asking = startSteno(['ask', LONG, '--max-tokens', '500'], environment());
  await until('the answer begins', () => asking.stdout() !== '');
  asking.child.kill('SIGINT');
  const { code, stdout, stderr } = await asking.ended;
  assert.equal(code, 130, stderr);
  const [turn] = await turnsOf(conversationIn(stderr));
  assert.equal(turn?.status, 'cancelled');
  assert.equal(stdout.trimEnd(), turn.response.trimEnd());
});

test('an answer goes on when its gateway is killed: nothing is lost and nothing doubled', async () => {
  const asking = startSteno(['ask', LONG, '--max-tokens', '120'], environment());
  await until('the answer begins', () => asking.stdout() !== '');
  const { process: mark } = gatewayIn(await stateNow());
  assert.ok(mark !== null);
  process.kill(mark.pid, 'SIGKILL');
  const { code, stdout, stderr } = await asking.ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /resuming the answer/);
  const [turn] = await turnsOf(conversationIn(stderr));
  assert.equal(stdout.trimEnd(), turn?.response.trimEnd());
});

test('what cannot be asked ends in one line and the exit code that says why', async () => {
  const noModel = await steno('ask', 'x', '--model', 'none-such');
  assert.deepEqual([noModel.code, noModel.stdout], [1, '']);
  assert.match(noModel.stderr, /model_not_found.*Name a model/);
  assert.equal((await steno('ask', '')).code, 2);
  assert.equal((await steno('ask', 'x', '--max-tokens', 'many')).code, 2);
  const nothing = await startSteno(['ask', 'x'], environment({ STENO_DATA_DIR: join(dataDir, 'none') }))
    .ended;
  assert.equal(nothing.code, 3);
  assert.match(nothing.stderr, /npm start/);
  const refused = await steno('ask', 'x', '--url', 'http://127.0.0.1:9');
  assert.equal(refused.code, 3, refused.stderr);
});

test('a demonstration played twice is there once, and is marked as one', async () => {
  const [first, second] = [
    await steno('demo', '--turns', '4', '--json'),
    await steno('demo', '--turns', '4', '--json'),
  ];
  assert.equal(first.code, 0, first.stderr);
  assert.equal(second.code, 0, second.stderr);
  assert.equal(second.stdout, first.stdout);
  // Our own summary.
  const found = JSON.parse(first.stdout) as { conversations: string[] };
  assert.deepEqual(found, {
    ...{ seed: 'steno', turns: 4, answered: 2, stopped: 1, failed: 1, judged: 2 },
    conversations: found.conversations,
  });
  const id = found.conversations[0] ?? '';
  const turns = await turnsOf(id);
  assert.deepEqual(turns.map(({ status }) => status).sort(), [
    'cancelled',
    'completed',
    'completed',
    'failed',
  ]);
  for (const { metadata } of turns) assert.deepEqual(metadata, { demo: 'true' });
  const log = await steno(
    'topics',
    'tail',
    'conversations',
    '--from',
    'earliest',
    '--no-follow',
    '--conversation',
    id,
    '--json',
  );
  const records = log.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; data: { eventId: string } });
  const events = new Map(records.map(({ type, data }) => [data.eventId, type]));
  const count = (type: string) => [...events.values()].filter((found) => found === type).length;
  assert.deepEqual(
    ['MessageSubmitted', 'InferenceCompleted', 'InferenceFailed', 'InferenceCancelled', 'FeedbackGiven'].map(
      count,
    ),
    [4, 2, 1, 1, 2],
  );
});

test('tail follows a topic, and ends at a limit or at Ctrl-C', async () => {
  const following = startSteno(['topics', 'tail', 'conversations', '--from', 'earliest'], environment());
  await until('what is there is shown', () => following.stdout().includes('InferenceCompleted'));
  const asked = await steno('ask', 'Say goodbye.', '--max-tokens', '6');
  const id = conversationIn(asked.stderr);
  await until('the new answer is shown', () =>
    following
      .stdout()
      .split('\n')
      .some((line) => line.includes(id) && line.includes('InferenceCompleted')),
  );
  assert.ok(following.stdout().includes('"Say goodbye."'));
  following.child.kill('SIGINT');
  assert.equal((await following.ended).code, 0);
  const limited = await steno('topics', 'tail', 'turns', '--from', 'earliest', '--limit', '2');
  assert.deepEqual([limited.code, limited.stdout.trim().split('\n').length], [0, 2]);
  assert.equal((await steno('topics', 'tail', 'turns', '--from', '2999-01-01', '--no-follow')).stdout, '');
  assert.equal((await steno('topics', 'tail', 'no-such-topic')).code, 2);
});

test('tail shows a record that nobody can decode, and goes on', async () => {
  const { kafka } = await stateNow();
  const log = await openKafkaLog({
    ...{ brokers: kafka?.brokers ?? [], clientId: 'test', tls: null, sasl: null },
    ...{ sessionMillis: 2_000, heartbeatMillis: 300 },
  });
  const appender = log.openAppender('test');
  const record = { topic: 'steno.alerts.v1', partition: 0, key: 'k' };
  await appender.append([
    { ...record, value: Buffer.from('no event') },
    { ...record, value: Buffer.from([0, 0x7f, 0, 0, 0, 1]) },
  ]);
  await appender.close();
  await log.close();
  const { code, stdout } = await steno(
    'topics',
    'tail',
    'alerts',
    '--from',
    'earliest',
    '--no-follow',
    '--json',
  );
  assert.equal(code, 0);
  // Our own lines.
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: null; error: { code: string; bytes: number } });
  assert.deepEqual(
    lines.map(({ type, error }) => [type, error.code, error.bytes]),
    [
      [null, 'malformed_record', 8],
      [null, 'unknown_schema_id', 6],
    ],
  );
});

test('doctor finds nothing wrong with a healthy installation, and the topics that another prefix lacks', async () => {
  const well = await steno('doctor', '--json');
  // Our own findings.
  const findings = JSON.parse(well.stdout) as { name: string; status: string }[];
  assert.equal(well.code, 0, well.stdout);
  for (const name of [
    'settings',
    'broker',
    'registry',
    'topics',
    'schemas',
    'gateway',
    'workers',
    'clock',
    'model',
  ])
    assert.equal(findings.find((finding) => finding.name === name)?.status, 'ok', name);
  const { kafka, registry } = await stateNow();
  const ill = await startSteno(
    ['doctor'],
    environment({
      ...{ STENO_KAFKA_BROKERS: kafka?.brokers.join(',') ?? '', STENO_REGISTRY_URL: registry?.url ?? '' },
      ...{ STENO_DATA_DIR: join(dataDir, 'none'), STENO_TOPIC_PREFIX: 'nobody' },
    }),
  ).ended;
  assert.equal(ill.code, 1);
  assert.match(ill.stdout, /^problem +topics .*steno topics apply$/m);
});
