import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Producer } from '@platformatic/kafka';
import { errorCode } from '../../runtime/errors.ts';
import { openTestLog, textRecord, type TestLog } from '../support/test-log.ts';

describe('appending', () => {
  let test: TestLog;

  before(async () => {
    test = await openTestLog();
  });
  after(() => test.stop());

  it('keeps call order and content over 10,000 records, one append each', async () => {
    const topic = await test.createTopic('order', 1);
    const appender = test.log.openAppender('order');
    const texts = Array.from({ length: 10_000 }, (_, index) => `record ${index}`);
    const appends = texts.map((text) => appender.append([textRecord(topic, 0, text)]));
    assert.equal(appender.pending, 10_000);
    await Promise.all(appends);
    assert.equal(appender.pending, 0);
    const found = await test.read(topic, 0, 10_000);
    assert.deepEqual(
      found.map((record) => record.value?.toString()),
      texts,
    );
    assert.deepEqual(
      found.map((record) => record.offset),
      texts.map((_, index) => index),
    );
    await appender.close();
  });

  it('keeps key and headers', async () => {
    const topic = await test.createTopic('headers', 1);
    const appender = test.log.openAppender('headers');
    const headers = new Map<string, string | Buffer>([
      ['ce_id', 'evt_ä'],
      ['bytes', Buffer.from([0, 255])],
    ]);
    await appender.append([{ topic, partition: 0, key: 'Schlüssel', value: Buffer.from('v'), headers }]);
    const [record] = await test.read(topic, 0, 1);
    assert.equal(record?.key?.toString(), 'Schlüssel');
    assert.deepEqual(record?.headers, [
      ['ce_id', Buffer.from('evt_ä')],
      ['bytes', Buffer.from([0, 255])],
    ]);
    await appender.close();
  });

  it('fails a record that is too large alone, and repeats no other', async () => {
    const topic = await test.createTopic('large', 2, { 'max.message.bytes': '100000' });
    const appender = test.log.openAppender('large');
    const results = await Promise.allSettled([
      appender.append([textRecord(topic, 0, 'before'), textRecord(topic, 1, 'other partition')]),
      appender.append([textRecord(topic, 0, 'x'.repeat(200_000))]),
      appender.append([textRecord(topic, 0, 'after')]),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal(results[1].status === 'rejected' && errorCode(results[1].reason), 'record_too_large');
    await appender.append([textRecord(topic, 0, 'last'), textRecord(topic, 1, 'last')]);
    assert.deepEqual(await texts(topic, 0, 3), ['before', 'after', 'last']);
    assert.deepEqual(await texts(topic, 1, 2), ['other partition', 'last']);
    assert.equal(appender.pending, 0);
    await appender.close();
  });

  it('keeps batches below the limit of a topic, however much waits', async () => {
    const topic = await test.createTopic('backlog', 1, { 'max.message.bytes': String(1024 * 1024) });
    const appender = test.log.openAppender('backlog');
    const text = 'x'.repeat(3_000);
    // 12 MB in one call: it takes several requests and is still one append.
    await appender.append(Array.from({ length: 4_000 }, () => textRecord(topic, 0, text)));
    assert.deepEqual(await test.log.offsets(topic, 'end'), [4_000]);
    await appender.close();
  });

  it('stamps with the broker clock, whatever clock a producer has', async () => {
    const topic = await test.createTopic('clock', 1);
    const producer = new Producer({
      clientId: 'odd-clock',
      bootstrapBrokers: [...test.cluster.kafka.brokers],
    });
    const before = Date.now();
    await producer.send({
      messages: [{ topic, partition: 0, value: Buffer.from('old'), timestamp: BigInt(before - 86_400_000) }],
    });
    await producer.close();
    const [record] = await test.read(topic, 0, 1);
    assert.ok(record !== undefined);
    assert.ok(Math.abs(record.timestamp - before) < 60_000, `got ${record.timestamp}, appended at ${before}`);
  });

  it('says that nobody knows when the broker does not answer', async () => {
    const { openAppender } = await import('../../streams/kafka/appender.ts');
    const appender = openAppender({ ...test.cluster.kafka, brokers: ['127.0.0.1:1'] }, 'nobody');
    await assert.rejects(appender.append([textRecord('any', 0, 'text')]), {
      code: 'append_unknown',
      retryable: true,
    });
    await appender.close();
  });

  async function texts(
    topic: string,
    partition: number,
    count: number,
  ): Promise<readonly (string | undefined)[]> {
    return (await test.read(topic, partition, count)).map((record) => record.value?.toString());
  }
});
