import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { projections } from '../../projections/catalogue.ts';
import { foldLog } from '../../projections/fold-log.ts';
import { rebuild, type RebuildReport } from '../../projections/rebuild.ts';
import { startProjections } from '../../projections/start.ts';
import { hashOf } from '../../projections/state-hash.ts';
import { parseConfig } from '../../runtime/config.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import type { RunningRole } from '../../runtime/role.ts';
import { noTracer } from '../../runtime/tracing.ts';
import { openCurrentReader } from '../../storage/sqlite/current-reader.ts';
import { openGenerationStore } from '../../storage/sqlite/generations.ts';
import { openKafkaAdmin } from '../../streams/kafka/admin.ts';
import { allTopics } from '../../streams/topics.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';
import { openGeneratedLog, type GeneratedLog } from '../support/generated-log.ts';
import { readTopic } from '../support/read-topic.ts';
import { until } from '../support/until.ts';

/** P5 and P6 of a rebuild: it says what the log says, it is silent, and it takes the place of the rows in use. */

const folder = mkdtempSync(join(tmpdir(), 'steno-rebuild-'));
const store = openGenerationStore(folder);
const [definition] = projections;
assert.ok(definition !== undefined);
const conversations = definition;
const generations = store.of(conversations.name, conversations.version);
const failures: unknown[] = [];
let cluster: TestCluster;
let generated: GeneratedLog;
let seed = 11;

before(async () => {
  cluster = await testCluster();
  generated = await openGeneratedLog(cluster);
  await generated.append({ seed, events: 2_000 });
});
after(async () => {
  await generated.events.log.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(): Promise<RunningRole> {
  return startProjections({
    context: {
      config: parseConfig(generated.env),
      logger: createLogger({ role: 'test', level: 'silent' }),
      metrics: createMetrics('test'),
      tracer: noTracer,
      fail: (error) => void failures.push(error),
    },
    events: generated.events,
    store,
  });
}

function rebuildIt(): Promise<RebuildReport> {
  const { events, topics } = generated;
  const signal = new AbortController().signal;
  return rebuild({
    definition: conversations,
    events,
    topic: topics.conversations,
    generations,
    fresh: false,
    signal,
    async fold(generation, offsets) {
      const database = generations.open(generation);
      const projection = conversations.open(database, { alone: true });
      const { unread } = conversations;
      const input = {
        events,
        topic: topics.conversations,
        projection,
        unread,
        database,
        until: offsets,
        signal,
      };
      try {
        return await foldLog({ ...input, onProgress: () => undefined });
      } finally {
        database.close();
      }
    },
  });
}

async function equalsTheFold(): Promise<void> {
  const { events, topics } = generated;
  const ends = await events.log.offsets(topics.conversations, 'end');
  const reader = openCurrentReader(generations, { askMillis: 0 });
  await until(
    'the rows in use are at the end',
    () => {
      if (failures.length > 0) throw failures[0];
      if (!reader.hasTable('position')) return false;
      const positions = conversations.open(reader).positions.all();
      return ends.every((end, partition) => (positions.get(partition)?.next ?? 0) >= end);
    },
    60_000,
  );
  const hash = hashOf(conversations.open(reader).lines(null));
  reader.close();
  assert.equal(hash, conversations.foldHash(await readTopic(events, topics.conversations)));
}

/** Ends of all topics, and what every group committed. */
async function traces(): Promise<unknown> {
  const ends = await Promise.all(
    allTopics(cluster.prefix, ['small']).map(({ name }) => generated.events.log.offsets(name, 'end')),
  );
  const admin = await openKafkaAdmin(cluster.kafka);
  const lag = await admin.lag(cluster.prefix);
  await admin.close();
  return { ends, lag };
}

test('without rows in use a rebuild makes them, and leaves no trace on the cluster', async () => {
  const before = await traces();
  const report = await rebuildIt();
  assert.deepEqual(await traces(), before);
  assert.equal(report.comparison, 'not_compared');
  assert.equal(report.skipped, 0);
  assert.ok(report.folded >= 2_000);
  assert.equal(generations.current(), report.generation);
  await equalsTheFold();
});

test('a running role and an open reader go over to the rebuilt rows, which are the same', async () => {
  const role = await start();
  await equalsTheFold();
  const reader = openCurrentReader(generations, { askMillis: 0 });
  const conversation = reader.prepare('SELECT count(*) AS found FROM conversation');
  const found = conversation.get()?.['found'];
  const used = generations.current();
  const report = await rebuildIt();
  assert.equal(report.comparison, 'equal');
  assert.equal(report.generation, used + 1);
  assert.ok(!generations.exists(used));
  assert.equal(conversation.get()?.['found'], found);
  // Only what folds in the new place sees what is appended from now on.
  await generated.append({ seed: (seed += 1), events: 1_000 });
  await equalsTheFold();
  assert.ok(Number(conversation.get()?.['found']) > Number(found));
  reader.close();
  await role.stop();
});

test('rows that are not what the log says are found and replaced', async () => {
  const damaged = generations.open(generations.current());
  damaged.execute(`UPDATE turn SET model = 'another' WHERE rowid = (SELECT min(rowid) FROM turn)`);
  damaged.close();
  const report = await rebuildIt();
  assert.equal(report.comparison, 'differs');
  assert.notEqual(report.hash, report.before);
  await equalsTheFold();
});

test('a generation that another log left behind is thrown away', async () => {
  const next = generations.current() + 1;
  const left = generations.open(next);
  conversations.open(left).positions.advance(0, null, { next: 5, lastEventId: 'x', topicId: 'another' });
  left.close();
  const report = await rebuildIt();
  assert.equal(report.comparison, 'equal');
  await equalsTheFold();
});
