import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { applyTopics } from '../../infra/topics/apply.ts';
import { createLogger } from '../../runtime/logger.ts';
import { avroSchemas } from '../../schemas/generated/avro.ts';
import type { EventMap } from '../../schemas/generated/types.ts';
import { connectRegistry, type Registry } from '../../schemas/registry.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { openEventLog, type EventLog } from '../../streams/event-log.ts';
import type { NewRecord } from '../../streams/log.ts';
import { runGroup, type GroupRunner } from '../../streams/runner/run-group.ts';
import { allTopics, datasets, topicName } from '../../streams/topics.ts';
import { openTestLog, type TestLog } from '../support/test-log.ts';
import { until } from '../support/until.ts';

/** The value of the first golden file: every field set. */
function goldenValue(): EventMap['ConversationErased'] {
  const file = new URL('../fixtures/golden/ConversationErased/1.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { value: EventMap['ConversationErased'] }).value;
}

describe('events on a real log and registry', () => {
  let test: TestLog;
  let registry: Registry;
  let events: EventLog;
  let topic: string;
  let deadLetters: string;
  const runners: GroupRunner[] = [];

  before(async () => {
    test = await openTestLog();
    const { kafka, registryUrl, prefix } = test.cluster;
    await applyTopics({
      kafka,
      registryUrl,
      registryAuth: null,
      prefix,
      pools: ['small'],
      replication: 1,
      onLine: () => undefined,
    });
    registry = connectRegistry(registryUrl, null);
    events = await openEventLog(test.log, registry, registryUrl, allTopics(prefix, ['small']));
    topic = topicName(prefix, datasets.conversations);
    deadLetters = topicName(prefix, datasets.deadLetters);
  });
  after(async () => {
    await Promise.all(runners.map((runner) => runner.stop()));
    await test.stop();
  });

  /** Reads the conversations in a group of its own, from the first record, and collects them. */
  async function collect(
    group: string,
    seen: LoggedEvent[],
    from: ReadonlyMap<number, number> = new Map(),
  ): Promise<GroupRunner> {
    const runner = await runGroup({
      events,
      group: `${test.cluster.prefix}.${group}`,
      topics: [topic],
      deadLetters: { topic: deadLetters, partitions: datasets.deadLetters.partitions },
      logger: createLogger({ role: 'test', level: 'silent' }),
      onFailure: (error) => assert.fail(String(error)),
      handler: {
        start: (assignment) => Promise.resolve(from.get(assignment.partition) ?? 'earliest'),
        handle: (_assignment, batch) => void seen.push(...batch),
      },
    });
    runners.push(runner);
    return runner;
  }

  async function appendRaw(...values: Buffer[]): Promise<number> {
    const appender = test.log.openAppender('raw');
    const next = (await test.log.offsets(topic, 'end'))[7] ?? 0;
    const records = values.map((value): NewRecord => ({
      topic,
      partition: 7,
      key: 'key',
      value,
      headers: new Map([['ce_id', 'evt_1']]),
    }));
    await appender.append(records);
    await appender.close();
    return next;
  }

  it('arrive as they were appended, with CloudEvents headers and the trace', async () => {
    const appender = events.openAppender('events');
    const data = goldenValue();
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await appender.append([
      { type: 'ConversationErased', data, topic, key: data.conversationId, partition: 3, trace },
    ]);
    await appender.close();
    const seen: LoggedEvent[] = [];
    const runner = await collect('plain', seen);
    await until('the event', () => seen.length === 1);
    assert.deepEqual(structuredClone(seen[0]?.data), data);
    assert.equal(seen[0]?.trace, trace);
    assert.equal(seen[0]?.partition, 3);
    const [record] = await test.read(topic, 3, 1);
    const headers = new Map(record?.headers.map(([name, value]) => [name, value.toString()]));
    assert.equal(headers.get('ce_id'), data.eventId);
    assert.equal(headers.get('ce_type'), 'steno.events.ConversationErased');
    assert.equal(headers.get('ce_specversion'), '1.0');
    assert.match(headers.get('ce_dataschema') ?? '', /\/schemas\/ids\/\d+$/);
    assert.equal((await fetch(headers.get('ce_dataschema') ?? '')).status, 200);
    await runner.stop();
  });

  it('refuse an event that breaks its schema before anything is sent', async () => {
    const appender = events.openAppender('invalid');
    const data = { ...goldenValue(), conversationId: 7 as unknown as string };
    await assert.rejects(
      appender.append([{ type: 'ConversationErased', data, topic, key: 'k', partition: 0 }]),
      {
        code: 'invalid_event',
      },
    );
    assert.equal(appender.pending, 0);
    await appender.close();
  });

  it('are set aside once with their original bytes when nobody can read them, and the partition goes on', async () => {
    const known =
      (await registry.lookup(`${topic}-steno.events.ConversationErased`, 'ConversationErased')) ?? 0;
    const good = wire(known, golden());
    const garbage = [
      Buffer.from('no avro at all'),
      wire(known, Buffer.from([2, 4, 6])),
      wire(999_999, golden()),
    ];
    const position = await appendRaw(good, ...garbage, good);
    const before = await deadLetterCount();
    const seen: LoggedEvent[] = [];
    const runner = await collect('poison', seen, new Map([[7, position]]));
    await until('both good ones', () => seen.filter(({ partition }) => partition === 7).length === 2);
    await runner.stop();
    assert.equal(await deadLetterCount(), before + 3);
    const found = await lastDeadLetters(3);
    assert.deepEqual(
      found.map(({ value }) => value),
      garbage,
    );
    const headers = new Map(found[2]?.headers.map(([name, value]) => [name, value.toString()]));
    assert.equal(headers.get('dead_letter_topic'), topic);
    assert.equal(headers.get('dead_letter_offset'), String(position + 3));
    assert.equal(headers.get('dead_letter_schema_id'), '999999');
    assert.equal(headers.get('dead_letter_error_code'), 'unknown_schema_id');
    assert.equal(headers.get('original_ce_id'), 'evt_1');
  });

  it('are read under schema ids that other writers registered', async () => {
    // A newer writer: one more field, with a default.
    const schema = JSON.parse(avroSchemas.ConversationErased) as { fields: unknown[] };
    schema.fields.push({ name: 'later', type: 'int', default: 0, doc: 'A field of a later version.' });
    const subject = `${topic}-steno.events.ConversationErased`;
    const response = await fetch(`${test.cluster.registryUrl}/subjects/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema) }),
    });
    const { id } = (await response.json()) as { id: number };
    const position = await appendRaw(wire(id, Buffer.concat([golden(), Buffer.from([10])])));
    const before = await deadLetterCount();
    const seen: LoggedEvent[] = [];
    const runner = await collect('newer', seen, new Map([[7, position]]));
    await until('the newer event', () => seen.some(({ partition }) => partition === 7));
    assert.deepEqual(structuredClone(seen.find(({ partition }) => partition === 7)?.data), goldenValue());
    assert.equal(await deadLetterCount(), before);
    await runner.stop();
  });

  function golden(): Buffer {
    const file = new URL('../fixtures/golden/ConversationErased/1.json', import.meta.url);
    return Buffer.from((JSON.parse(readFileSync(file, 'utf8')) as { hex: string }).hex, 'hex');
  }

  async function deadLetterCount(): Promise<number> {
    return (await test.log.offsets(deadLetters, 'end')).reduce((sum, offset) => sum + offset, 0);
  }

  /** All dead letters have one key here, so they share a partition. */
  async function lastDeadLetters(count: number) {
    const ends = await test.log.offsets(deadLetters, 'end');
    const partition = ends.findIndex((end) => end > 0);
    return (await test.read(deadLetters, partition, ends[partition] ?? 0)).slice(-count);
  }
});

function wire(schemaId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(schemaId, 1);
  return Buffer.concat([head, body]);
}
