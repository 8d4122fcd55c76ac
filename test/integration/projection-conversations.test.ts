import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { applyTopics } from '../../infra/topics/apply.ts';
import { foldAll } from '../../projections/conversations/fold.ts';
import { CONVERSATIONS, openConversationQueries } from '../../projections/conversations/queries.ts';
import { foldHash, stateHash } from '../../projections/conversations/state-hash.ts';
import { openConversationTable } from '../../projections/conversations/table.ts';
import { nameOf } from '../../projections/projection.ts';
import { startProjections } from '../../projections/start.ts';
import { parseConfig } from '../../runtime/config.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { RoleContext, RunningRole } from '../../runtime/role.ts';
import { noTracer } from '../../runtime/tracing.ts';
import { openGenerationStore } from '../../storage/sqlite/generations.ts';
import { openDatabase, openReader } from '../../storage/sqlite/open-database.ts';
import type { NewEvent } from '../../streams/event.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { inferenceIdOf } from '../../streams/ids.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { datasets, topicName } from '../../streams/topics.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';
import { readTopic } from '../support/read-topic.ts';
import { until } from '../support/until.ts';
import { about, logged, message } from '../unit/projections/conversation-events.ts';

/** P5 and P7 for the read model of conversations, on the real broker. */

const folder = mkdtempSync(join(tmpdir(), 'steno-projection-'));
const store = openGenerationStore(folder);
const file = join(folder, `${nameOf(CONVERSATIONS)}.1.db`);
const failures: unknown[] = [];
let cluster: TestCluster;
let events: EventLog;
let context: RoleContext;
let topics: { conversations: string; deadLetters: string };

before(async () => {
  cluster = await testCluster();
  await applyTopics({
    kafka: cluster.kafka,
    registryUrl: cluster.registryUrl,
    registryAuth: null,
    prefix: cluster.prefix,
    pools: ['small'],
    replication: 1,
    onLine: () => undefined,
  });
  const config = parseConfig({
    STENO_KAFKA_BROKERS: cluster.kafka.brokers.join(','),
    STENO_REGISTRY_URL: cluster.registryUrl,
    STENO_TOPIC_PREFIX: cluster.prefix,
    STENO_KAFKA_SESSION_MS: '2000',
  });
  events = await connectEvents(config, 'test', ['small']);
  const logger = createLogger({ role: 'test', level: 'silent' });
  context = {
    config,
    logger,
    metrics: createMetrics('test'),
    tracer: noTracer,
    fail: (error) => void failures.push(error),
  };
  topics = {
    conversations: topicName(cluster.prefix, datasets.conversations),
    deadLetters: topicName(cluster.prefix, datasets.deadLetters),
  };
});
after(async () => {
  await events.log.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(): Promise<RunningRole> {
  return startProjections({
    context: { ...context, metrics: createMetrics('test') },
    events,
    store,
  });
}

let made = 0;

/** Appends some turns of some conversations, and one repeat of each message. */
async function appendTurns(conversations: number, turns: number): Promise<void> {
  const appender = events.openAppender('test');
  const round = (made += 1);
  const batch: NewEvent[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    for (let number = 0; number < conversations; number += 1) {
      const conversationId = `conversation-${round}-${number}`;
      const id = `${conversationId}-message-${turn}`;
      const asked = message(id, { conversationId, isNew: turn === 0 });
      const answered = about('InferenceCompleted', id, `${id}-end`, { conversationId });
      batch.push(...[asked, asked, answered].map((event) => toAppend(event, conversationId)));
    }
  }
  const erased = `conversation-${round}-0`;
  batch.push(
    toAppend(logged('ConversationErased', { conversationId: erased, eventId: `${erased}-erased` }), erased),
  );
  await appender.append(batch);
  await appender.close();
}

function toAppend(event: ReturnType<typeof logged>, key: string): NewEvent {
  // The pair of type and data stays together; TypeScript loses it when they are passed apart.
  return {
    type: event.type,
    data: event.data,
    topic: topics.conversations,
    key,
    partition: null,
  } as NewEvent;
}

async function caughtUp(): Promise<void> {
  const reader = openReader(file);
  const queries = openConversationQueries(reader);
  const ends = await events.log.offsets(topics.conversations, 'end');
  await until('the projection is at the end', () => {
    if (failures.length > 0) throw failures[0];
    return ends.every((end, partition) => queries.position(partition) >= end);
  });
  reader.close();
}

/** Runs a role until it is at the end and compares what it wrote with the fold of the log. */
async function equalsTheFold(): Promise<void> {
  await caughtUp();
  const database = openDatabase(file);
  const whole = foldAll(await readTopic(events, topics.conversations));
  assert.equal(stateHash(openConversationTable(database)), foldHash(whole));
  database.close();
}

test('what is folded live equals the fold of the log; poison is set aside once and stops nothing', async () => {
  const role = await start();
  await appendTurns(30, 3);
  const poison = { topic: topics.conversations, partition: 3, key: 'poison', value: Buffer.from('no avro') };
  const appender = events.log.openAppender('poison');
  await appender.append([poison]);
  await appender.close();
  await appendTurns(30, 3);
  await equalsTheFold();
  assert.ok(role.isReady());
  const letters = await events.log.offsets(topics.deadLetters, 'end');
  assert.equal(
    letters.reduce((sum, end) => sum + end, 0),
    1,
  );
  await role.stop();
});

test('a second process takes over half of the partitions, and all when the first one leaves', async () => {
  const first = await start();
  await appendTurns(30, 2);
  const second = await start();
  await appendTurns(30, 2);
  await until('both have partitions', () => (second.facts?.()['partitions'] ?? 0) > 0);
  await appendTurns(30, 2);
  await equalsTheFold();
  await first.stop();
  await appendTurns(30, 2);
  await equalsTheFold();
  await second.stop();
});

for (const [what, damage] of [
  ['another topic', `UPDATE position SET topic_id = 'another'`],
  [
    'another event at the position',
    `UPDATE position SET last_event_id = 'another' WHERE last_event_id <> ''`,
  ],
  ['a log that ends earlier', 'UPDATE position SET next = next + 1000'],
] as const) {
  test(`rows of ${what} are thrown away and folded again`, async () => {
    const database = openDatabase(file);
    database.execute(`${damage}; UPDATE conversation SET title = 'not of this log'`);
    database.close();
    const role = await start();
    await until('the rebuild', () => {
      const reader = openReader(file);
      const left = reader
        .prepare(`SELECT count(*) AS rows FROM conversation WHERE title = 'not of this log'`)
        .get();
      reader.close();
      return left?.['rows'] === 0;
    });
    await equalsTheFold();
    await role.stop();
  });
}

test('a reader opened before finds what was folded', async () => {
  const reader = openReader(file);
  const queries = openConversationQueries(reader);
  const role = await start();
  await appendTurns(2, 1);
  await caughtUp();
  const id = `conversation-${made}-1`;
  assert.equal(queries.findConversation('tenant-1', id)?.turns, 1);
  assert.equal(queries.findInference('tenant-1', inferenceIdOf(`${id}-message-0`))?.status, 'completed');
  assert.notEqual(queries.findConversation('tenant-1', `conversation-${made}-0`)?.erasedAt, null);
  reader.close();
  await role.stop();
});
