import { CACHE_DIR } from '../support/cache-dir.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { startEmbedded, type Embedded } from '../../infra/kafka/start-embedded.ts';
import { createLogger } from '../../runtime/logger.ts';
import { openKafkaAdmin } from '../../streams/kafka/admin.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import { appendUntilDone } from '../../streams/runner/append-until-done.ts';
import { textRecord } from '../support/test-log.ts';
import { until } from '../support/until.ts';

const step = { update: () => undefined, finish: () => undefined, fail: () => undefined };
let dataDir: string;
let embedded: Embedded;

/** A broker of its own: this test kills it. */
async function start(): Promise<Embedded> {
  return startEmbedded({
    dataDir,
    cacheDir: CACHE_DIR,
    progress: { step: () => step, line: () => undefined },
    logger: createLogger({ role: 'test', level: 'silent' }),
    env: process.env,
    needKafka: true,
    needRegistry: false,
  });
}

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'steno-restart-'));
  embedded = await start();
});
after(async () => {
  await embedded.stop();
  await rm(dataDir, { recursive: true, force: true });
});

it('appender, follower and membership outlive a broker that is killed: nothing acknowledged is lost', async (context) => {
  const opened: (() => Promise<void>)[] = [];
  context.after(() => Promise.allSettled(opened.map((close) => close())));
  const brokers = [embedded.broker?.address ?? ''];
  const kafka = {
    brokers,
    clientId: 'restart',
    tls: null,
    sasl: null,
    sessionMillis: 2_000,
    heartbeatMillis: 300,
  };
  const admin = await openKafkaAdmin(kafka);
  const topic = 'restart.topic';
  await admin.createTopic({ name: topic, partitions: 2, configs: {}, replicas: 1 });
  await until('topic', async () => (await admin.listTopics(topic, [])).length === 1);
  await admin.close();
  const log = await openKafkaLog(kafka);
  opened.push(() => log.close());
  const seen: string[] = [];
  const failures: unknown[] = [];
  const follower = log.openFollower({
    name: 'reader',
    onBatch: (batch) => void seen.push(...batch.records.map((record) => record.value?.toString() ?? '')),
    onFailure: (error) => failures.push(error),
  });
  opened.push(() => follower.stop());
  await follower.add(topic, 0, 'earliest');
  const owned = new Set<number>();
  const membership = await log.join({
    group: 'restart.group',
    topics: [topic],
    onAssigned: (partitions) => partitions.forEach(({ partition }) => owned.add(partition)),
    onRevoked: (partitions) => partitions.forEach(({ partition }) => owned.delete(partition)),
    onFailure: (error) => failures.push(error),
  });
  opened.push(() => membership.leave());
  assert.deepEqual(owned, new Set([0, 1]));

  const appender = log.openAppender('writer');
  const acknowledged: string[] = [];
  const stop = new AbortController();
  const never = new AbortController();
  opened.push(() => {
    stop.abort();
    never.abort(new Error('the test is over'));
    return appender.close();
  });
  const writer = (async () => {
    for (let index = 0; !stop.signal.aborted; index += 1) {
      const text = `record ${index}`;
      await appendUntilDone(appender, [textRecord(topic, 0, text)], never.signal);
      acknowledged.push(text);
    }
  })();
  await until('a thousand', () => acknowledged.length > 1_000);
  embedded.broker?.kill();
  await embedded.broker?.exited;
  await until('stale', () => !membership.isFresh());
  await embedded.stop();
  embedded = await start();
  assert.deepEqual([embedded.broker?.address], brokers);
  const atRestart = acknowledged.length;
  await until('a thousand more', () => acknowledged.length > atRestart + 1_000, 60_000);
  stop.abort();
  await writer;
  await until('all seen', () => seen.includes(acknowledged.at(-1) ?? ''));
  // A repeat may lie on the log twice; each record is there, and first sights are in order.
  assert.deepEqual([...new Set(seen)], acknowledged);
  await until('a member again', () => membership.isFresh() && owned.size === 2, 30_000);
  assert.deepEqual(failures, []);
});
