import type { Log, NewRecord, RawRecord } from '../../streams/log.ts';
import { openKafkaAdmin } from '../../streams/kafka/admin.ts';
import { openKafkaLog } from '../../streams/kafka/open-log.ts';
import { testCluster, type TestCluster } from './cluster.ts';
import { until } from './until.ts';

/** A cluster with an open log, for tests of the log itself. */
export type TestLog = {
  readonly cluster: TestCluster;
  readonly log: Log;
  /** Creates a topic under the cluster's prefix and returns its name. */
  createTopic(name: string, partitions: number, configs?: Readonly<Record<string, string>>): Promise<string>;
  /** Reads `count` records of a partition from its first one on. */
  read(topic: string, partition: number, count: number): Promise<readonly RawRecord[]>;
  stop(): Promise<void>;
};

export async function openTestLog(): Promise<TestLog> {
  const cluster = await testCluster();
  const log = await openKafkaLog(cluster.kafka);
  const admin = await openKafkaAdmin(cluster.kafka);
  return {
    cluster,
    log,
    async createTopic(name, partitions, configs = { 'message.timestamp.type': 'LogAppendTime' }) {
      const topic = `${cluster.prefix}.${name}`;
      await admin.createTopic({ name: topic, partitions, configs, replicas: 1 });
      await until(`topic ${topic}`, async () => (await admin.listTopics(topic, [])).length === 1);
      return topic;
    },
    async read(topic, partition, count) {
      const records: RawRecord[] = [];
      let failure: Error | null = null;
      const follower = log.openFollower({
        name: 'reader',
        onBatch: (batch) => void records.push(...batch.records),
        onFailure: (error) => (failure = new Error('the reader failed', { cause: error })),
      });
      await follower.add(topic, partition, 'earliest');
      await until(`${count} records of ${topic}/${partition}`, () => {
        if (failure !== null) throw failure;
        return records.length >= count;
      });
      await follower.stop();
      return records;
    },
    async stop() {
      await admin.close();
      await log.close();
      await cluster.stop();
    },
  };
}

/** A record whose value is the text. */
export function textRecord(topic: string, partition: number, text: string): NewRecord {
  return { topic, partition, key: 'key', value: Buffer.from(text) };
}
