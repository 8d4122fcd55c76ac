import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Admin } from '@platformatic/kafka';
import { datasets, topicName } from '../../streams/topics.ts';
import { ChatClient } from '../support/chat-client.ts';
import { consoleConsume } from '../support/console-consumer.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { problemsOf, readRecorded } from '../support/recorded.ts';
import { until } from '../support/until.ts';

/** P23: clocks wrong by 2 h change no result, order or retention. */

const CLOCK = pathToFileURL(join(import.meta.dirname, '..', 'support', 'wrong-clock.ts')).href;
const TWO_HOURS = 2 * 60 * 60 * 1000;
/** Every role has its own idea of the time. */
const CLOCKS = {
  gateway: TWO_HOURS,
  processors: -TWO_HOURS,
  'inference-worker': TWO_HOURS,
  projections: -TWO_HOURS,
};

let platform: Platform;
const began = Date.now();

before(async () => {
  platform = await startPlatform({ roles: [] });
  for (const [role, offset] of Object.entries(CLOCKS)) {
    await platform.start(role, {
      NODE_OPTIONS: `--import=${CLOCK}`,
      STENO_TEST_CLOCK_MS: String(offset),
    });
  }
});
after(async () => {
  await platform.stop();
});

test('answers, their order and the times of their records are as with right clocks', async () => {
  const client = new ChatClient(platform.url);
  const first = await client.ask({ text: 'one [[tokens=5]]', model: 'scripted' });
  const more = { model: 'scripted', conversation_id: first.conversationId };
  const second = await client.ask({ text: 'two [[tokens=5 pace=5]]', ...more });
  const third = await client.ask({ text: 'three [[tokens=5]]', ...more });
  client.close();
  assert.deepEqual([first.outcome, second.outcome, third.outcome], ['completed', 'completed', 'completed']);

  await until(
    'every turn is measured',
    async () => problemsOf([client], await readRecorded(platform)).length === 0,
  );
  const recorded = await readRecorded(platform);
  const ended = Date.now();
  const events = [...recorded.conversations, ...recorded.turns];
  for (const { type, time } of events)
    assert.ok(time >= began - 1_000 && time <= ended + 1_000, `${type} at ${time}`);
  const measured = recorded.turns.flatMap((event) => (event.type === 'TurnMeasured' ? [event.data] : []));
  const [one = 0, two = 0, three = 0] = [first, second, third].map(
    ({ inferenceId }) => measured.find((turn) => turn.inferenceId === inferenceId)?.promptTokens,
  );
  assert.ok(one > 0 && two > one && three > two, 'each prompt holds what was said before');
  for (const { totalMillis, queueMillis, firstDeltaMillis } of measured) {
    for (const millis of [totalMillis, queueMillis ?? 0, firstDeltaMillis ?? 0])
      assert.ok(millis >= 0 && millis <= ended - began, `a duration of ${millis} ms`);
  }
});

test('Kafka’s own consumer reads the same times, and nothing was dropped by its age', async () => {
  const { conversations } = await readRecorded(platform);
  const topic = topicName(platform.cluster.prefix, datasets.conversations);
  const lines = await consoleConsume(platform.cluster.kafka.brokers.join(','), topic, conversations.length);
  const times = lines.map((line) =>
    /^LogAppendTime:(\d+)\tPartition:(\d+)\tOffset:(\d+)/.exec(line)?.slice(1).map(Number),
  );
  assert.deepEqual(
    times.toSorted((a, b) => (a?.[1] ?? 0) - (b?.[1] ?? 0) || (a?.[2] ?? 0) - (b?.[2] ?? 0)),
    conversations.map(({ time, partition, offset }) => [time, partition, offset]),
  );
  const admin = new Admin({ clientId: 'clocks', bootstrapBrokers: [...platform.cluster.kafka.brokers] });
  const requests = topicName(platform.cluster.prefix, datasets.inferenceDeltas);
  const configs = await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: requests }] });
  await admin.close();
  const kind = configs
    .flatMap(({ configs: all }) => all)
    .find(({ name }) => name === 'message.timestamp.type');
  assert.equal(kind?.value, 'LogAppendTime', 'retention counts the broker’s time');
});
