import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig } from '../../runtime/config.ts';
import { createLogger } from '../../runtime/logger.ts';
import { avroSchemas } from '../../schemas/generated/avro.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { prepareTurnGroup, workersGroup } from '../../streams/groups.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import type { RawRecord } from '../../streams/log.ts';
import { runGroup } from '../../streams/runner/run-group.ts';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { ChatClient } from '../support/chat-client.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { stopRole } from '../support/role-process.ts';
import { startSteno } from '../support/steno-command.ts';
import { until } from '../support/until.ts';

/** P7: what was set aside is listed, looked at, and given to the failing group again by the real command. */

const SECRET = 'the words of a person';
let platform: Platform;
let events: EventLog;
let client: ChatClient;

before(async () => {
  platform = await startPlatform({ roles: ['processors', 'inference-worker', 'gateway'] });
  events = await connectEvents(parseConfig(platform.env), 'test', ['scripted', 'small']);
  client = new ChatClient(() => platform.url());
});
after(async () => {
  client.close();
  await events.log.close();
  await platform.stop();
});

const name = (dataset: keyof typeof datasets): string =>
  topicName(platform.cluster.prefix, datasets[dataset]);
const requests = (): string => requestTopic(platform.cluster.prefix, 'scripted', 'interactive');
const workers = (): string => workersGroup(platform.cluster.prefix, 'scripted');

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const deadLetters = (...parameters: readonly string[]): Promise<Ended> =>
  startSteno(['dead-letters', ...parameters], { ...process.env, ...platform.env }).ended;

async function listed(...parameters: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { code, stdout, stderr } = await deadLetters('list', '--json', ...parameters);
  assert.equal(code, 0, stderr);
  // What `list --json` prints.
  return (JSON.parse(stdout) as { letters: Record<string, unknown>[] }).letters;
}

/** Registers a schema of requests that differs from all others in a comment alone; returns its id. */
async function registerSchema(comment: string): Promise<number> {
  // Our own generated schema.
  const schema = JSON.parse(avroSchemas.InferenceRequested) as Record<string, unknown>;
  const text = JSON.stringify({ ...schema, doc: `${platform.cluster.prefix} ${comment}` });
  const subject = `${platform.cluster.prefix}-${comment}`;
  const response = await fetch(`${platform.cluster.registryUrl}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: text }),
  });
  // The registry's own answer.
  return ((await response.json()) as { id: number }).id;
}

/** The last record of the only partition of the requests that has any. */
async function lastRequest(): Promise<RawRecord> {
  let found: RawRecord | null = null;
  const follower = events.log.openFollower({
    name: 'last-request',
    onBatch: ({ records }) => void (found = records.at(-1) ?? found),
    onFailure: assert.ifError,
  });
  for (let partition = 0; partition < datasets.inferenceRequests.partitions; partition += 1)
    await follower.add(requests(), partition, 'earliest');
  await until('the request is on the log', () => found !== null);
  await follower.stop();
  assert.ok(found !== null);
  return found;
}

/** The workers' group, which has no member now, goes on behind this record. */
async function skipTo({ topic, partition, offset }: RawRecord): Promise<void> {
  let isOurs = false;
  const member = await events.log.join({
    group: workers(),
    topics: [topic],
    onAssigned: (given) => (isOurs ||= given.some((place) => place.partition === partition)),
    onRevoked: () => undefined,
    onFailure: assert.ifError,
  });
  await until('the partition is ours', () => isOurs);
  await member.commit([{ topic, partition, offset: offset + 1 }]);
  await member.leave();
}

test('a request with a schema nobody knew is answered once the schema is there and it is given again', async (t) => {
  await stopRole(platform.find('inference-worker'));
  const asked = client.ask({ text: SECRET, model: 'scripted' });
  const request = await lastRequest();
  await skipTo(request);
  const nextId = (await registerSchema('before')) + 1;
  const value = Buffer.from(request.value ?? []);
  value.writeUInt32BE(nextId, 1);
  const { topic, partition } = request;
  const key = request.key?.toString() ?? '';
  const headers = new Map(request.headers);
  const appender = events.log.openAppender('poison');
  await appender.append([{ topic, partition, key, value, headers }]);
  await appender.append([
    { topic: name('conversations'), partition: 0, key: 'conv_poison', value: Buffer.from(SECRET) },
  ]);
  await appender.close();
  await platform.start('inference-worker');
  await until('both are set aside', async () => (await listed()).length === 2);

  const [letter, ...others] = await listed('--group', 'workers-scripted');
  assert.equal(others.length, 0);
  const id = String(letter?.['id']);
  assert.deepEqual(
    [letter?.['topic'], letter?.['offset'], letter?.['errorCode'], letter?.['redrivenAt']],
    [topic, request.offset + 1, 'unknown_schema_id', null],
  );
  const early = await deadLetters('redrive', id);
  assert.equal(early.code, 1);
  assert.match(early.stderr, /still cannot be decoded .*Register its schema/);

  assert.equal(await registerSchema('after'), nextId, 'somebody else registered a schema meanwhile');
  const closed = await deadLetters('show', id);
  assert.match(closed.stdout, /event +InferenceRequested .*characters\)/);
  assert.match(closed.stdout, new RegExp(`schema id +${nextId}\\n`));
  assert.ok(!closed.stdout.includes(SECRET) && !closed.stdout.includes(Buffer.from(SECRET).toString('hex')));
  assert.ok((await deadLetters('show', id, '--content', '--purpose', 'a repair')).stdout.includes(SECRET));
  const words = ['audit', 'report', '--action', 'read-dead-letter', '--format', 'json'];
  const looks = await startSteno(words, { ...process.env, ...platform.env }).ended;
  assert.deepEqual([looks.stdout.split(id).length - 1, looks.stdout.includes('a repair')], [2, true]);

  const outsiders = await watchOthers(partition);
  t.after(() => outsiders.stop());
  const given = await deadLetters('redrive', id);
  assert.deepEqual([given.code, given.stderr], [0, '']);
  assert.match(given.stdout, /given to \S+-workers-scripted again/);
  assert.equal((await asked).outcome, 'completed');
  const again = await deadLetters('redrive', id);
  assert.equal(again.code, 0);
  assert.match(again.stdout, /was given to \S+ again at .*nothing is done/);
  assert.notEqual((await listed('--group', workers()))[0]?.['redrivenAt'], null);
  await outsiders.assertUnseen(request.offset + 2);
  await until('the turn is measured', async () =>
    (await readRecorded(platform)).turns.some(({ type }) => type === 'TurnMeasured'),
  );
  assert.deepEqual(problemsOf([client], await readRecorded(platform)), []);
});

/** Readers that the redrive is not for: another group of the same topic, and one without a group. */
async function watchOthers(partition: number) {
  const topic = requests();
  const next = { group: 0, none: 0 };
  const seen: number[] = [];
  const group = await runGroup({
    events,
    group: `${platform.cluster.prefix}-outsider`,
    topics: [topic],
    deadLetters: { topic: name('deadLetters'), partitions: datasets.deadLetters.partitions },
    logger: createLogger({ role: 'test', level: 'error' }),
    onFailure: assert.ifError,
    handler: {
      start: () => Promise.resolve('earliest' as const),
      handle(assignment, _events, { records, nextOffset }) {
        if (assignment.partition !== partition) return;
        next.group = nextOffset;
        seen.push(...records.map(({ offset }) => offset));
      },
    },
  });
  const follower = events.log.openFollower({
    name: 'outsider',
    onBatch({ records, nextOffset }) {
      next.none = nextOffset;
      seen.push(...records.map(({ offset }) => offset));
    },
    onFailure: assert.ifError,
  });
  await follower.add(topic, partition, 'earliest');
  return {
    /** Both have read past this record, which is there, and neither was given it. */
    async assertUnseen(offset: number): Promise<void> {
      await until('both are past it', () => next.group > offset && next.none > offset);
      assert.equal(seen.filter((one) => one === offset).length, 0);
      assert.equal(seen.filter((one) => one === offset - 1).length, 2);
    },
    async stop(): Promise<void> {
      await follower.stop();
      await group.stop();
    },
  };
}

test('what a fold set aside is not given again: it is refused with what repairs it', async () => {
  const [letter] = await listed('--topic', 'conversations');
  assert.equal(letter?.['group'], prepareTurnGroup(platform.cluster.prefix));
  const refused = await deadLetters('redrive', String(letter?.['id']));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /is of prepare-turn, which has gone on without it\. Send the message again/);
  const all = await deadLetters('redrive', '--all');
  assert.equal(all.code, 4, all.stderr);
  assert.match(all.stdout, /\n0 given again, 1 before, 1 left\n/);
});

test('the list is one line each with its count, and never shows what was said', async () => {
  const { stdout, code } = await deadLetters('list', '--limit', '1');
  assert.equal(code, 0);
  assert.match(stdout, /^evt_\S+ {2}\d{4}-.*\n\d dead letters, the newest 1 shown\n$/);
  const whole = await deadLetters('list');
  assert.ok(!whole.stdout.includes(SECRET));
  const one = await deadLetters('show', String((await listed('--topic', 'conversations'))[0]?.['id']));
  assert.match(one.stdout, /event +cannot be decoded: malformed_record/);
  assert.ok(!one.stdout.includes(SECRET) && !one.stdout.includes(Buffer.from(SECRET).toString('hex')));
  const unknown = await deadLetters('show', 'evt_nobody');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^steno: there is no dead letter evt_nobody\. See steno dead-letters list/);
  assert.equal((await deadLetters('redrive')).code, 2);
});
