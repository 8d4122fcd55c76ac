import { Consumer } from '@platformatic/kafka';
import { StenoError } from '../../runtime/errors.ts';
import type { Log } from '../log.ts';
import { openAppender } from './appender.ts';
import { baseOptions, type KafkaOptions } from './connection.ts';
import { openFollower } from './follower.ts';
import { joinGroup } from './membership.ts';
import { readOffsets, readOffsetsAt } from './offsets.ts';
import { FETCH } from './wire/fetch.ts';
import { PRODUCE } from './wire/produce.ts';

/** Opens the log on a Kafka cluster. Throws StenoError `broker_unreachable` if no broker answers. */
export async function openKafkaLog(options: KafkaOptions): Promise<Log> {
  const consumer = new Consumer({
    ...baseOptions(options, 'log'),
    groupId: `${options.clientId}-log`,
    retries: 3,
  });
  try {
    await consumer.metadata({ topics: [] });
  } catch (error) {
    await consumer.close(true);
    throw new StenoError('broker_unreachable', `no Kafka broker answers at ${options.brokers.join(', ')}`, {
      retryable: true,
      fix: 'start it or set STENO_KAFKA_BROKERS',
      cause: error,
    });
  }

  await checkVersions(consumer);

  async function describe(topic: string): Promise<{ readonly id: string; readonly partitionsCount: number }> {
    try {
      const found = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
      if (found !== undefined) return found;
    } catch (error) {
      throw missing(topic, error);
    }
    throw missing(topic, undefined);
  }

  return {
    openAppender: (name, urgency) => openAppender(options, name, urgency),
    openFollower: (follow) => openFollower(options, follow),
    join: (join) => joinGroup(options, join),
    partitionCount: async (topic) => (await describe(topic)).partitionsCount,
    topicId: async (topic) => (await describe(topic)).id,
    async offsets(topic, which) {
      const { partitionsCount } = await describe(topic);
      const partitions = [...Array(partitionsCount).keys()];
      return typeof which === 'string'
        ? readOffsets(consumer, topic, which, partitions)
        : readOffsetsAt(consumer, topic, which.at, partitions);
    },
    close: () => consumer.close(true),
  };
}

/** Throws StenoError `broker_too_old` unless the broker speaks the two requests that we write ourselves. */
async function checkVersions(consumer: Consumer): Promise<void> {
  const spoken = await consumer.listApis();
  for (const { key, version } of [PRODUCE, FETCH]) {
    const found = spoken.find(({ apiKey }) => apiKey === key);
    if (found !== undefined && found.minVersion <= version && version <= found.maxVersion) continue;
    await consumer.close(true);
    throw new StenoError('broker_too_old', 'the Kafka broker does not speak the requests that Steno sends', {
      fix: 'use Kafka 3.1 or newer',
      facts: { apiKey: key, version, minVersion: found?.minVersion, maxVersion: found?.maxVersion },
    });
  }
}

function missing(topic: string, cause: unknown): StenoError {
  return new StenoError('topic_missing', `topic ${topic} does not exist or its broker does not answer`, {
    fix: 'run steno topics apply',
    cause,
  });
}
