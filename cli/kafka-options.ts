import type { Config } from '../runtime/config.ts';
import { kafkaOptions as clientOptions } from '../streams/kafka/connect.ts';
import type { KafkaOptions } from '../streams/kafka/connection.ts';

/** How this command speaks to the brokers: those given, with the credentials that are configured. */
export function kafkaOptions(config: Config, brokers: readonly string[]): KafkaOptions {
  const { kafka, topicPrefix } = config;
  return clientOptions({ ...config, kafka: { ...kafka, brokers } }, `${topicPrefix}-cli-${process.pid}`);
}

/** The same settings without TLS and credentials, which are those of an external cluster. */
export function withPlainKafka(config: Config): Config {
  return { ...config, kafka: { ...config.kafka, tls: null, sasl: null } };
}
