import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { errorMessage } from '../../runtime/errors.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { ChatClient } from '../support/chat-client.ts';
import { startProgram, type ChildProgram } from '../support/child-program.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { pythonEnvironment } from '../support/python-environment.ts';
import { until } from '../support/until.ts';

/** The programs that docs/events.md hands to subscribers do what it says, against the real topics. */

type Example = { readonly name: string; readonly command: string; readonly file: string };

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const typescript: Example = {
  name: 'typescript',
  command: process.execPath,
  file: join(examples, 'subscribe-typescript', 'subscribe.ts'),
};

let platform: Platform;
let client: ChatClient;
let topics: readonly string[];
let directory: string;
const kafkaOf = (): Kafka =>
  new Kafka({ brokers: [...platform.cluster.kafka.brokers], logLevel: logLevel.ERROR });

before(async () => {
  platform = await startPlatform({ roles: ['processors', 'inference-worker', 'gateway'] });
  client = new ChatClient(() => platform.url());
  topics = [datasets.conversations, datasets.turns].map((dataset) =>
    topicName(platform.cluster.prefix, dataset),
  );
  directory = await mkdtemp(join(tmpdir(), 'steno-examples-'));
});
after(async () => {
  client.close();
  await platform.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('an example of a subscriber prints every turn once, over restarts and repeats', () => {
  test('in TypeScript with kafkajs', async () => {
    await checkExample(typescript);
  });

  test('in Python with confluent-kafka', { timeout: 280_000 }, async (context: TestContext) => {
    const folder = join(examples, 'subscribe-python');
    const packages = readFileSync(join(folder, 'requirements.txt'), 'utf8').trim().split('\n');
    let python: string;
    try {
      python = await pythonEnvironment({ name: 'subscribe', packages });
    } catch (error) {
      context.skip(errorMessage(error));
      return;
    }
    await checkExample({ name: 'python', command: python, file: join(folder, 'subscribe.py') });
  });
});

async function checkExample(example: Example): Promise<void> {
  const model = 'scripted';
  const first = await client.ask({ text: 'Is this counted?', model });
  const second = await client.ask({ text: 'And this?', conversation_id: first.conversationId, model });
  const refused = await client.ask({ text: 'Who?', conversation_id: 'conv_does-not-exist-00000', model });
  const asked = new Map([...client.answers.values()].map((answer) => [answer.messageId, answer]));
  assert.ok(asked.has(second.messageId) && asked.has(refused.messageId));

  let program = start(example);
  await allRead(example, program, asked.size);
  const { lines } = program;
  assert.equal(await program.stop(), 0, program.stderr());
  assert.deepEqual(lines.map(messageOf).sort(), [...asked.keys()].sort());
  for (const line of lines) {
    const answer = asked.get(messageOf(line));
    const outcome = answer?.outcome === 'completed' ? 'completed' : 'rejected';
    const tokens = outcome === 'completed' ? '[1-9]\\d* \\+ [1-9]\\d*' : '0 \\+ 0';
    assert.match(
      line,
      new RegExp(`^msg_\\S+ message over websocket: ${outcome}, scripted, ${tokens} tokens, \\d+ ms$`),
    );
  }

  // The most a crash before the commit can leave behind: everything comes again.
  await rewind(example);
  const third = await client.ask({ text: 'Only this is new.', model });
  program = start(example);
  await allRead(example, program, 1);
  assert.equal(await program.stop(), 0, program.stderr());
  assert.deepEqual(program.lines.map(messageOf), [third.messageId]);

  // What it committed is where it goes on.
  program = start(example);
  const fourth = await client.ask({ text: 'The last one.', model });
  await allRead(example, program, 1);
  assert.equal(await program.stop(), 0, program.stderr());
  assert.deepEqual(program.lines.map(messageOf), [fourth.messageId]);
}

function start({ name, command, file }: Example): ChildProgram {
  const { kafka, registryUrl, prefix } = platform.cluster;
  return startProgram(command, [
    ...[file, '--brokers', kafka.brokers.join(','), '--registry', registryUrl, '--prefix', prefix],
    ...['--group', groupOf(name), '--state', join(directory, `${name}.sqlite`)],
  ]);
}

/** Waits until so many lines are there, and then until the group has committed the ends of both topics. */
async function allRead({ name }: Example, program: ChildProgram, lines: number): Promise<void> {
  await until(`${name} prints ${lines} lines`, () => program.lines.length >= lines, 60_000);
  const admin = kafkaOf().admin();
  await admin.connect();
  try {
    await until(
      `${name} commits all it read`,
      async () => {
        const committed = await admin.fetchOffsets({ groupId: groupOf(name), topics: [...topics] });
        for (const { topic, partitions } of committed) {
          const ends = await admin.fetchTopicOffsets(topic);
          const left = ends.filter(
            ({ partition, high }) =>
              high !== '0' && partitions.find((item) => item.partition === partition)?.offset !== high,
          );
          if (left.length > 0) return false;
        }
        return true;
      },
      60_000,
    );
  } finally {
    await admin.disconnect();
  }
}

/** Sets the group back to the beginning of both topics; it has no members while this runs. */
async function rewind({ name }: Example): Promise<void> {
  const admin = kafkaOf().admin();
  await admin.connect();
  for (const topic of topics) await admin.resetOffsets({ groupId: groupOf(name), topic, earliest: true });
  await admin.disconnect();
}

function groupOf(name: string): string {
  return `${platform.cluster.prefix}-example-${name}`;
}

function messageOf(line: string): string {
  return line.split(' ')[0] ?? '';
}
