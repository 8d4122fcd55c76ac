import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { applyTopics, describePlan, readPlan } from '../../infra/topics/apply.ts';
import { StenoError } from '../../runtime/errors.ts';
import { connectRegistry, type Registry } from '../../schemas/registry.ts';
import { openKafkaAdmin, type KafkaAdmin } from '../../streams/kafka/admin.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import { openEventLog } from '../../streams/event-log.ts';
import { allTopics, datasets, topicConfigs } from '../../streams/topics.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';

describe('topics and schemas as code', () => {
  let cluster: TestCluster;
  let admin: KafkaAdmin;
  let registry: Registry;

  before(async () => {
    cluster = await testCluster();
    admin = await openKafkaAdmin(cluster.kafka);
    registry = connectRegistry(cluster.registryUrl, null);
  });
  after(async () => {
    await admin.close();
    await cluster.stop();
  });

  function options(prefix = cluster.prefix) {
    const { kafka, registryUrl } = cluster;
    return { kafka, registryUrl, registryAuth: null, prefix, pools: ['small'], replication: 1 };
  }

  async function apply(prefix?: string): Promise<readonly string[]> {
    const lines: string[] = [];
    await applyTopics({ ...options(prefix), onLine: (line) => void lines.push(line) });
    return lines;
  }

  it('are made once, and a second run changes nothing', async () => {
    const planned = describePlan(await readPlan(options()));
    const made = await apply();
    assert.deepEqual([...made].sort(), [...planned].sort());
    assert.deepEqual(await apply(), []);
    const found = await admin.listTopics(`${cluster.prefix}.`, Object.keys(topicConfigs(datasets.turns)));
    const wanted = allTopics(cluster.prefix, ['small']);
    assert.deepEqual(
      found,
      wanted
        .map(({ name, dataset }) => ({
          name,
          partitions: dataset.partitions,
          configs: topicConfigs(dataset),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  });

  it('are enough to open the event log', async () => {
    const log = await openKafkaLog(cluster.kafka);
    await openEventLog(log, registry, cluster.registryUrl, allTopics(cluster.prefix, ['small']));
    await log.close();
  });

  it('say so when the schemas are not registered', async () => {
    const log = await openKafkaLog(cluster.kafka);
    await assert.rejects(openEventLog(log, registry, cluster.registryUrl, allTopics('nobody', [])), {
      code: 'schema_missing',
    });
    await log.close();
  });

  it('give one schema one id under two subjects', async () => {
    const prefix = cluster.prefix;
    const first = await registry.lookup(
      `${prefix}.conversations.v1-steno.events.AttemptStarted`,
      'AttemptStarted',
    );
    const second = await registry.lookup(
      `${prefix}.inference-deltas.v1-steno.events.AttemptStarted`,
      'AttemptStarted',
    );
    assert.equal(typeof first, 'number');
    assert.equal(first, second);
  });

  it('set a config back that somebody changed', async () => {
    const topic = `${cluster.prefix}.turns.v1`;
    await admin.setConfigs(topic, { 'retention.ms': '1000' });
    assert.deepEqual(await apply(), [`change topic ${topic}: retention.ms 1000 -> -1`]);
  });

  it('refuse another partition count and then change nothing at all', async () => {
    const prefix = `${cluster.prefix}x`;
    await admin.createTopic({ name: `${prefix}.turns.v1`, partitions: 3, configs: {}, replicas: 1 });
    await assert.rejects(apply(prefix), (error) => {
      assert.ok(error instanceof StenoError);
      assert.equal(error.code, 'topic_differs');
      assert.match(error.message, /turns\.v1: it has 3 partitions, the catalogue says 6/);
      return true;
    });
    assert.equal((await admin.listTopics(`${prefix}.`, [])).length, 1);
    assert.equal(await registry.lookup(`${prefix}.turns.v1-steno.events.TurnMeasured`, 'TurnMeasured'), null);
  });

  it('refuse an incompatible schema from the second version on, with subject and reason', async () => {
    const prefix = `${cluster.prefix}y`;
    const subject = `${prefix}.turns.v1-steno.events.TurnMeasured`;
    await registry.register(subject, 'UsageRecorded');
    assert.equal(await registry.state(subject, 'TurnMeasured'), 'differs');
    await assert.rejects(apply(prefix), (error) => {
      assert.ok(error instanceof StenoError);
      assert.equal(error.code, 'schema_incompatible');
      assert.ok(error.message.includes(subject));
      assert.match(error.message, /expected: steno\.events/);
      return true;
    });
  });

  it('make a subject strict that somebody loosened', async () => {
    const subject = `${cluster.prefix}.turns.v1-steno.events.TurnMeasured`;
    await fetch(`${cluster.registryUrl}/config/${subject}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ compatibility: 'NONE' }),
    });
    assert.deepEqual(await apply(), [`make ${subject} FULL_TRANSITIVE`]);
    assert.equal(await registry.state(subject, 'TurnMeasured'), 'registered');
  });

  it('name broker and registry when they do not answer', async () => {
    const nobody = { ...cluster.kafka, brokers: ['127.0.0.1:1'] };
    await assert.rejects(openKafkaAdmin(nobody), { code: 'broker_unreachable' });
    const unreachable = { ...options(), registryUrl: 'http://127.0.0.1:1' };
    await assert.rejects(readPlan(unreachable), { code: 'registry_unreachable' });
  });
});
