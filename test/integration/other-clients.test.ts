import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import { datasets, requestTopic, topicName } from '../../streams/topics.ts';
import { ChatClient } from '../support/chat-client.ts';
import { consoleConsume } from '../support/console-consumer.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { until } from '../support/until.ts';

/** Downstream teams read the topics with the clients they have: kafkajs, and Kafka's own tools. */

let platform: Platform;
let topics: readonly string[];

before(async () => {
  platform = await startPlatform();
  const client = new ChatClient(() => platform.url());
  await client.ask({ text: 'first question', model: 'scripted' });
  const slow = client.ask({ text: 'slow [[tokens=400 pace=20]]', model: 'scripted' });
  await until('the slow answer streams', () => ([...client.answers.values()][1]?.lastSeq ?? -1) >= 1);
  const { inferenceId } = [...client.answers.values()][1] ?? { inferenceId: '' };
  await client.send({ type: 'stop', inference_id: inferenceId });
  assert.equal((await slow).outcome, 'cancelled');
  client.close();
  const { prefix } = platform.cluster;
  topics = [
    topicName(prefix, datasets.conversations),
    topicName(prefix, datasets.turns),
    topicName(prefix, datasets.inferenceDeltas),
    topicName(prefix, datasets.inferenceControl),
    topicName(prefix, datasets.metrics),
    requestTopic(prefix, 'scripted', 'interactive'),
  ];
});
after(async () => {
  await platform.stop();
});

test('kafkajs decodes every record of every topic through the registry', async () => {
  const registry = new SchemaRegistry({ host: platform.cluster.registryUrl });
  const kafka = new Kafka({ brokers: [...platform.cluster.kafka.brokers], logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  for (const topic of topics) {
    const offsets = await admin.fetchTopicOffsets(topic);
    const expected = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
    const messages = await readAll(kafka, topic, expected);
    assert.equal(messages.length, expected);
    if (!topic.includes('metrics')) assert.ok(expected > 0, `${topic} is empty`);
    for (const message of messages) {
      assert.ok(message.value !== null);
      const decoded: unknown = await registry.decode(message.value);
      assert.equal(typeof decoded, 'object');
      assert.match(message.key?.toString('utf8') ?? '', /^[\w.:-]+$/);
    }
  }
  await admin.disconnect();
});

test("Kafka's console consumer reads keys, CloudEvents headers and the broker's append time", async () => {
  const [conversations = ''] = topics;
  const lines = await consoleConsume(platform.cluster.kafka.brokers.join(','), conversations, 2);
  assert.equal(lines.length, 2);
  for (const line of lines) {
    assert.match(line, /^LogAppendTime:\d+/);
    assert.match(line, /ce_specversion:1\.0,ce_id:\w+/);
    assert.match(line, /ce_type:steno\.events\.\w+/);
    assert.match(line, /content-type:application\/avro/);
    assert.match(line, /\tconv_[\w-]{22}$/);
  }
});

async function readAll(kafka: Kafka, topic: string, expected: number): Promise<readonly KafkaMessage[]> {
  const messages: KafkaMessage[] = [];
  if (expected === 0) return messages;
  const consumer = kafka.consumer({ groupId: `other-${topic}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      messages.push(message);
      return Promise.resolve();
    },
  });
  await until(`kafkajs read ${expected} records of ${topic}`, () => messages.length >= expected, 60_000);
  await consumer.disconnect();
  return messages;
}
