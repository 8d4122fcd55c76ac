import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Admin } from '@platformatic/kafka';
import type { Appender, Batch, Follower } from '../../streams/log.ts';
import { openTestLog, textRecord, type TestLog } from '../support/test-log.ts';
import { until } from '../support/until.ts';

describe('following', () => {
  let test: TestLog;
  let appender: Appender;

  before(async () => {
    test = await openTestLog();
    appender = test.log.openAppender('follower-test');
  });
  after(async () => {
    await appender.close();
    await test.stop();
  });

  /** Opens a follower that keeps the texts it saw as "partition:text". */
  function follow(onBatch?: (batch: Batch) => void | Promise<void>): { follower: Follower; seen: string[] } {
    const seen: string[] = [];
    const follower = test.log.openFollower({
      name: 'test',
      onBatch(batch) {
        for (const record of batch.records) seen.push(`${batch.partition}:${record.value?.toString() ?? ''}`);
        return onBatch?.(batch);
      },
      onFailure: (error) => assert.fail(String(error)),
    });
    return { follower, seen };
  }

  const append = (topic: string, partition: number, ...texts: string[]) =>
    appender.append(texts.map((text) => textRecord(topic, partition, text)));

  it('begins at the first record, at the end, or at an offset', async () => {
    const topic = await test.createTopic('begin', 1);
    await append(topic, 0, 'a', 'b', 'c');
    const first = follow();
    const end = follow();
    const second = follow();
    assert.equal(await first.follower.add(topic, 0, 'earliest'), 0);
    assert.equal(await end.follower.add(topic, 0, 'end'), 3);
    assert.equal(await second.follower.add(topic, 0, 1), 1);
    await append(topic, 0, 'd');
    await until(
      'all three',
      () => first.seen.length === 4 && end.seen.length === 1 && second.seen.length === 3,
    );
    assert.deepEqual(first.seen, ['0:a', '0:b', '0:c', '0:d']);
    assert.deepEqual(end.seen, ['0:d']);
    assert.deepEqual(second.seen, ['0:b', '0:c', '0:d']);
    await Promise.all([first.follower.stop(), end.follower.stop(), second.follower.stop()]);
  });

  it('takes partitions in and out while it runs, and reads one again from an older position', async () => {
    const topic = await test.createTopic('moving', 3);
    const { follower, seen } = follow();
    await follower.add(topic, 0, 'earliest');
    await append(topic, 0, 'a');
    await append(topic, 1, 'b');
    await until('a', () => seen.length === 1);
    await follower.add(topic, 1, 'earliest');
    await until('b', () => seen.length === 2);
    follower.remove(topic, 0);
    await append(topic, 0, 'not seen');
    await append(topic, 1, 'c');
    await until('c', () => seen.includes('1:c'));
    await follower.add(topic, 0, 0);
    await until('again', () => seen.length === 5);
    assert.deepEqual(seen, ['0:a', '1:b', '1:c', '0:a', '0:not seen']);
    await follower.stop();
  });

  it('hands the next batch of a partition over only when the last is done, and others meanwhile', async () => {
    const topic = await test.createTopic('waiting', 2);
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const { follower, seen } = follow((batch) => (batch.partition === 0 ? gate : undefined));
    await follower.add(topic, 0, 'end');
    await follower.add(topic, 1, 'end');
    await append(topic, 0, 'held');
    await until('held', () => seen.length === 1);
    await append(topic, 0, 'waits');
    await append(topic, 1, 'passes');
    await until('passes', () => seen.includes('1:passes'));
    await delay(200);
    assert.deepEqual(seen, ['0:held', '1:passes']);
    release();
    await until('waits', () => seen.length === 3);
    await follower.stop();
  });

  it('reads on after each batch, though a fetch of other partitions is parked', async () => {
    const topic = await test.createTopic('prompt', 8);
    const { follower, seen } = follow(() => delay(2));
    for (let partition = 0; partition < 8; partition += 1) await follower.add(topic, partition, 'end');
    for (let index = 1; index <= 50; index += 1) {
      await append(topic, 3, `${index}`);
      await until(`${index}`, () => seen.length === index);
    }
    await follower.stop();
  });

  it('loses and doubles nothing when the handler is slower than the log', async () => {
    const topic = await test.createTopic('slow', 1);
    const { follower, seen } = follow(() => delay(5));
    await follower.add(topic, 0, 'end');
    const text = 'x'.repeat(20_000);
    const texts = Array.from({ length: 1_000 }, (_, index) => `${index} ${text}`);
    for (let index = 0; index < texts.length; index += 50)
      await append(topic, 0, ...texts.slice(index, index + 50));
    await until('all', () => seen.length >= texts.length);
    assert.deepEqual(
      seen.map((line) => line.split(' ')[0]),
      texts.map((_, index) => `0:${index}`),
    );
    await follower.stop();
  });

  it('goes on at what is left when retention has passed its position', async () => {
    const topic = await test.createTopic('expired', 2);
    await append(topic, 0, 'a', 'b', 'c', 'd');
    const admin = new Admin({ clientId: 'deleter', bootstrapBrokers: [...test.cluster.kafka.brokers] });
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 2n }] }] });
    await admin.close();
    const { follower, seen } = follow();
    await follower.add(topic, 1, 'earliest');
    await follower.add(topic, 0, 0);
    await append(topic, 1, 'beside');
    await until('the rest', () => seen.length === 3);
    assert.deepEqual([...seen].sort(), ['0:c', '0:d', '1:beside']);
    await append(topic, 0, 'e');
    await until('e', () => seen.includes('0:e'));
    await follower.stop();
  });

  it('stops at once, calls nobody afterwards, and frees its connections', async () => {
    const topic = await test.createTopic('stopping', 1);
    const { follower, seen } = follow(() => delay(1));
    await follower.add(topic, 0, 'earliest');
    await append(topic, 0, 'a');
    await until('a', () => seen.length === 1);
    await follower.stop();
    await append(topic, 0, 'b');
    await delay(300);
    assert.deepEqual(seen, ['0:a']);
    await follower.stop();
  });

  it('stops before anything was added', async () => {
    await follow().follower.stop();
  });

  it('reports a handler that throws and reads no further', async () => {
    const topic = await test.createTopic('broken', 1);
    const failures: unknown[] = [];
    let calls = 0;
    const follower = test.log.openFollower({
      name: 'broken',
      onBatch() {
        calls += 1;
        throw new Error('handler');
      },
      onFailure: (error) => failures.push(error),
    });
    await follower.add(topic, 0, 'earliest');
    await append(topic, 0, 'a');
    await until('failure', () => failures.length === 1);
    await append(topic, 0, 'b');
    await delay(250);
    assert.equal(calls, 1);
    await follower.stop();
  });

  it('names a topic that does not exist', async () => {
    const { follower } = follow();
    await assert.rejects(follower.add(`${test.cluster.prefix}.nothing`, 0, 'end'), { code: 'topic_missing' });
    await assert.rejects(test.log.partitionCount(`${test.cluster.prefix}.nothing`), {
      code: 'topic_missing',
    });
    await follower.stop();
  });
});
