import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { projections } from '../../projections/catalogue.ts';
import { nameOf } from '../../projections/projection.ts';
import { parseConfig } from '../../runtime/config.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { prepareTurnGroup, projectionGroup, workersGroup } from '../../streams/groups.ts';
import { openKafkaAdmin } from '../../streams/kafka/admin.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import type { Appender } from '../../streams/log.ts';
import { partitionOf } from '../../streams/partition.ts';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { ChatClient, type SeenAnswer } from '../support/chat-client.ts';
import { viewDeadLetters, type SeenLetter } from '../support/dead-letter-view.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { poisonKinds, type PoisonKind } from '../support/poison.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { kill9 } from '../support/role-process.ts';
import { until } from '../support/until.ts';

/** P7: a record that cannot be decoded is in dead letters once, with its bytes, and its partition goes on. */

const REPLIES = 3;
let platform: Platform;
let events: EventLog;
let appender: Appender;
let client: ChatClient;
let view: Awaited<ReturnType<typeof viewDeadLetters>>;
let kinds: readonly PoisonKind[];
let first: SeenAnswer;
/** What must lie in dead letters: the bytes by group and place. */
const expected = new Map<string, Buffer>();

before(async () => {
  platform = await startPlatform({ env: { STENO_REPLY_PARTITION: String(REPLIES) } });
  events = await connectEvents(parseConfig(platform.env), 'test', ['scripted', 'small']);
  appender = events.log.openAppender('poison');
  view = await viewDeadLetters(events.log, name('deadLetters'));
  client = new ChatClient(() => platform.url());
  first = await client.ask({ text: 'before the poison', model: 'scripted' });
  kinds = poisonKinds(await firstValue(name('conversations'), conversationPartition()));
});
after(async () => {
  client.close();
  await view.stop();
  await appender.close();
  await events.log.close();
  await platform.stop();
});

const name = (dataset: keyof typeof datasets): string =>
  topicName(platform.cluster.prefix, datasets[dataset]);
const requests = (): string => requestTopic(platform.cluster.prefix, 'scripted', 'interactive');
const conversationPartition = (): number =>
  partitionOf(first.conversationId, datasets.conversations.partitions);
const requestPartition = (): number =>
  partitionOf(first.conversationId, datasets.inferenceRequests.partitions);
const workers = (): string => workersGroup(platform.cluster.prefix, 'scripted');

/** The bytes of the first record of a partition. */
async function firstValue(topic: string, partition: number): Promise<Buffer> {
  const found = Promise.withResolvers<Buffer>();
  const follower = events.log.openFollower({
    name: 'first-value',
    onBatch: ({ records: [record] }) => found.resolve(Buffer.from(record?.value ?? [])),
    onFailure: found.reject,
  });
  await follower.add(topic, partition, 'earliest');
  return found.promise.finally(() => follower.stop());
}

/** Where a value lies: what is told of a turn that ended may come between looking and appending. */
async function offsetOf(topic: string, partition: number, from: number, value: Buffer): Promise<number> {
  const found = Promise.withResolvers<number>();
  const follower = events.log.openFollower({
    name: 'offset-of',
    onBatch({ records }) {
      const record = records.find((one) => one.value?.equals(value));
      if (record !== undefined) found.resolve(record.offset);
    },
    onFailure: found.reject,
  });
  await follower.add(topic, partition, from);
  return found.promise.finally(() => follower.stop());
}

/** Groups that fold a topic of this dataset. */
function readersOf(dataset: keyof typeof datasets): readonly string[] {
  const { prefix } = platform.cluster;
  const folds = projections
    .filter((definition) => definition.dataset.name === datasets[dataset].name)
    .map((definition) => projectionGroup(prefix, nameOf(definition)));
  return dataset === 'conversations' ? [prepareTurnGroup(prefix), ...folds] : folds;
}

/** Appends every kind of poison to a partition and notes who must set it aside. */
async function poison(topic: string, partition: number, groups: readonly string[]): Promise<void> {
  for (const { value } of kinds) {
    const end = (await events.log.offsets(topic, 'end'))[partition] ?? 0;
    await appender.append([{ topic, partition, key: first.conversationId, value }]);
    const offset = await offsetOf(topic, partition, end, value);
    for (const group of groups) expected.set(`${group} ${topic}/${partition}@${offset}`, value);
  }
}

async function poisonEveryGroup(): Promise<void> {
  await poison(name('conversations'), conversationPartition(), readersOf('conversations'));
  await poison(name('turns'), partitionOf(first.conversationId, 6), readersOf('turns'));
  await poison(requests(), requestPartition(), [workers()]);
}

const placeOf = ({ group, topic, partition, offset }: SeenLetter): string =>
  `${group} ${topic}/${partition}@${offset}`;

/** Waits until everything expected is set aside; then nothing else may be, and every copy has the original bytes. */
async function assertSetAside(): Promise<void> {
  await until(
    'everything is set aside',
    () => new Set(view.letters.map(placeOf)).size >= expected.size,
    60_000,
  );
  for (const letter of view.letters)
    assert.deepEqual(letter.value, expected.get(placeOf(letter)), `unexpected bytes of ${placeOf(letter)}`);
  assert.equal(new Set(view.letters.map(({ id }) => id)).size, expected.size);
}

async function restart(...roles: readonly string[]): Promise<void> {
  for (const role of roles) await kill9(platform.find(role));
  await Promise.all(roles.map((role) => platform.start(role)));
}

async function nextTurn(text: string): Promise<SeenAnswer> {
  const answer = await client.ask({ text, model: 'scripted', conversation_id: first.conversationId });
  assert.equal(answer.outcome, 'completed', answer.code ?? '');
  return answer;
}

async function metric(role: string, metricName: string): Promise<number> {
  const text = await (await fetch(`${platform.find(role).health}/metrics`)).text();
  return Number(new RegExp(`^${metricName}(?:{[^}]*})? (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** Resolves when the workers' group has committed the present end of a partition of their requests. */
async function workersHavePassed(wanted: number): Promise<void> {
  const end = (await events.log.offsets(requests(), 'end'))[wanted] ?? 0;
  const admin = await openKafkaAdmin(platform.cluster.kafka);
  try {
    await until('the workers are past the end', async () =>
      (await admin.lag(workers())).some(
        ({ topic, partition, committed }) =>
          topic === requests() && partition === wanted && committed === end,
      ),
    );
  } finally {
    await admin.close();
  }
}

test('every kind of poison is set aside by every group that reads it, and a turn behind it is answered', async (t) => {
  await poisonEveryGroup();
  const start = performance.now();
  const since = (): number => Math.round(performance.now() - start);
  await nextTurn('behind the poison');
  t.diagnostic(`a turn behind the poison was answered in ${since()} ms`);
  await assertSetAside();
  t.diagnostic(`all of it was set aside in ${since()} ms`);
});

test('also when the roles are killed while they set aside', async () => {
  const before = view.letters.length;
  const poisoned = poisonEveryGroup();
  await until('setting aside has begun', () => view.letters.length > before);
  await restart('processors', 'inference-worker', 'projections');
  await poisoned;
  await nextTurn('behind more poison');
  await assertSetAside();
});

test('a worker that starts again sets nothing aside that its group has passed', async () => {
  await poison(requests(), requestPartition(), [workers()]);
  await assertSetAside();
  await workersHavePassed(requestPartition());
  const copies = view.letters.length;
  await restart('inference-worker');
  await nextTurn('after the restart');
  assert.equal(view.letters.length, copies);
});

test('poison among the deltas of an answer is counted, also by its taker, and the answer is whole', async () => {
  const done = client.ask({ text: 'long [[tokens=150 pace=20]]', model: 'scripted' });
  const running = [...client.answers.values()].at(-1);
  await until('the answer streams', () => (running?.lastSeq ?? 0) >= 5);
  for (const key of [running?.inferenceId ?? '', 'inf_of_nobody'])
    await appender.append(
      kinds.map(({ value }) => ({ topic: name('inferenceDeltas'), partition: REPLIES, key, value })),
    );
  await restart('inference-worker');
  assert.equal((await done).outcome, 'completed');
  assert.equal(await metric('gateway', 'steno_gateway_poison_records_total'), kinds.length);
});

test('poison among the cancellations is counted by the worker, and a stop behind it stops', async () => {
  const topic = name('inferenceControl');
  for (let partition = 0; partition < datasets.inferenceControl.partitions; partition += 1)
    await appender.append(kinds.map(({ value }) => ({ topic, partition, key: first.inferenceId, value })));
  const done = client.ask({ text: 'long [[tokens=2000 pace=20]]', model: 'scripted' });
  const running = [...client.answers.values()].at(-1);
  await until('the answer streams', () => (running?.lastSeq ?? 0) >= 2);
  await client.send({ type: 'stop', inference_id: running?.inferenceId ?? '' });
  assert.equal((await done).outcome, 'cancelled');
  const all = kinds.length * datasets.inferenceControl.partitions;
  await until('all of it is counted', async () => {
    const counted = await metric('inference-worker', 'steno_worker_poison_records_total');
    assert.ok(counted <= all, String(counted));
    return counted === all;
  });
});

test('nothing else was set aside, every role is alive, and what was shown is what is recorded', async () => {
  await assertSetAside();
  assert.deepEqual(platform.roles.map((role) => role.name).sort(), [
    'gateway',
    'inference-worker',
    'processors',
    'projections',
  ]);
  await until('every turn is measured', async () => {
    const problems = problemsOf([client], await readRecorded(platform));
    return !problems.some((problem) => problem.includes('measured 0 times'));
  });
  assert.deepEqual(problemsOf([client], await readRecorded(platform)), []);
});
