import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { avroSchemas } from '../../../schemas/generated/avro.ts';
import type { EventType } from '../../../schemas/generated/types.ts';
import {
  allTopics,
  datasets,
  requestTopic,
  SUBSCRIBABLE,
  subjectOf,
  topicConfigs,
  topicName,
  type Dataset,
} from '../../../streams/topics.ts';

const all = Object.values<Dataset>(datasets);
const topics = allTopics('steno', ['small', 'large']);

describe('the catalogue of topics', () => {
  it('has the topics of the design', () => {
    assert.deepEqual(
      all.map((dataset) => `${topicName('steno', dataset)} ${dataset.partitions} ${dataset.retention.kind}`),
      [
        'steno.conversations.v1 24 forever',
        'steno.turns.v1 6 forever',
        'steno.admissions.v1 6 time',
        'steno.inference-requests.v1 12 time',
        'steno.inference-deltas.v1 16 time',
        'steno.inference-control.v1 6 time',
        'steno.content.v1 6 forever',
        'steno.embeddings.v1 6 compacted',
        'steno.quality.v1 6 forever',
        'steno.metrics.v1 6 time',
        'steno.alerts.v1 6 forever',
        'steno.audit.v1 6 forever',
        'steno.seals.v1 1 forever',
        'steno.identities.v1 1 forever',
        'steno.configuration.v1 1 forever',
        'steno.answers.v1 6 time',
        'steno.dead-letters.v1 6 time',
      ],
    );
  });

  it('gives every pool and tier a topic of requests', () => {
    const requests = topics.map(({ name }) => name).filter((name) => name.includes('inference-requests'));
    assert.equal(requests.length, 6);
    assert.ok(requests.includes(requestTopic('steno', 'large', 'batch')));
    assert.equal(requestTopic('steno', 'large', 'batch'), 'steno.inference-requests.large.batch.v1');
  });

  it('has names that are distinct and legal, and a place for every event', () => {
    assert.equal(new Set(topics.map(({ name }) => name)).size, topics.length);
    for (const { name } of topics) assert.match(name, /^[a-z0-9.-]{1,249}$/);
    assert.deepEqual(new Set(all.flatMap(({ events }) => events)), new Set(Object.keys(avroSchemas)));
  });

  it('has one subject per topic where it holds one event, else one per event', () => {
    const subjects = topics.flatMap((topic) => topic.dataset.events.map((event) => subjectOf(topic, event)));
    assert.equal(new Set(subjects).size, subjects.length);
    for (const { dataset } of topics) assert.ok(dataset.subjects === 'record' || dataset.events.length <= 1);
    assert.ok(subjects.includes('steno.turns.v1-steno.events.TurnMeasured'));
    assert.ok(subjects.includes('steno.inference-requests.small.batch.v1-value'));
  });

  it('has the broker stamp every record, keeps what must stay, and lets nothing be lost to an unclean leader', () => {
    for (const dataset of all) {
      const configs = topicConfigs(dataset);
      assert.equal(configs['message.timestamp.type'], 'LogAppendTime');
      assert.equal(configs['unclean.leader.election.enable'], 'false');
      assert.equal(configs['cleanup.policy'], dataset.retention.kind === 'compacted' ? 'compact' : 'delete');
      assert.equal(configs['retention.bytes'], '-1');
      assert.equal(
        configs['retention.ms'],
        dataset.retention.kind === 'time' ? String(dataset.retention.millis) : '-1',
      );
    }
  });

  it('keeps dead letters in a topic that takes the largest record of any other and the reason beside it', () => {
    const others = all
      .filter(({ name }) => name !== 'dead-letters')
      .map(({ maxRecordBytes }) => maxRecordBytes);
    assert.ok(datasets.deadLetters.maxRecordBytes >= Math.max(...others) + 64 * 1024);
  });
});

it('lets tenants subscribe to what says whose it is', () => {
  for (const topic of SUBSCRIBABLE) {
    assert.equal(datasets[topic].retention.kind, 'forever', topic);
    for (const event of datasets[topic].events) {
      const fields = fieldsOf(event);
      for (const field of ['eventId', 'tenantId', 'producer', 'occurredAt'])
        assert.ok(fields.includes(field), `${event} on ${topic} has no ${field}`);
    }
  }
});

function fieldsOf(event: EventType): readonly string[] {
  const schema = JSON.parse(avroSchemas[event]) as { readonly fields: readonly { readonly name: string }[] };
  return schema.fields.map(({ name }) => name);
}
