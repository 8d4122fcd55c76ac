import type { Config } from '../runtime/config.ts';
import type { KafkaOptions } from '../streams/kafka/connection.ts';

const HEARTBEAT_MS = 500;

/** How this command speaks to the brokers: those given, with the credentials that are configured. */
export function kafkaOptions(config: Config, brokers: readonly string[]): KafkaOptions {
  return {
    brokers,
    clientId: `${config.topicPrefix}-cli-${process.pid}`,
    tls: config.kafka.tls,
    sasl: config.kafka.sasl,
    sessionMillis: config.kafka.sessionMillis,
    heartbeatMillis: HEARTBEAT_MS,
  };
}
