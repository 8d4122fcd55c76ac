import type { Config } from '../../runtime/config.ts';
import { StenoError } from '../../runtime/errors.ts';
import { connectRegistry } from '../../schemas/registry.ts';
import { openEventLog, type EventLog } from '../event-log.ts';
import type { StreamTelemetry } from '../telemetry.ts';
import { allTopics } from '../topics.ts';
import type { KafkaOptions } from './connection.ts';
import { openKafkaLog } from './open-log.ts';

/**
 * How often a session's time-out a heartbeat is sent: the members that stay hear of a lost one with their next, and
 * nothing streams until then.
 */
const HEARTBEATS = 10;

/** Returns the Kafka options of a client. Throws StenoError `no_brokers` if none are configured. */
export function kafkaOptions(config: Config, clientId: string): KafkaOptions {
  if (config.kafka.brokers.length === 0) {
    throw new StenoError('no_brokers', 'no Kafka broker is configured', {
      fix: 'set STENO_KAFKA_BROKERS, or run steno up for an embedded one',
    });
  }
  return {
    brokers: config.kafka.brokers,
    clientId,
    tls: config.kafka.tls,
    sasl: config.kafka.sasl,
    sessionMillis: config.kafka.sessionMillis,
    heartbeatMillis: Math.round(config.kafka.sessionMillis / HEARTBEATS),
  };
}

/** Opens the log of the configured cluster and registry for a role; `pools` are those of the model catalogue. */
export async function connectEvents(
  config: Config,
  role: string,
  pools: readonly string[],
  telemetry?: StreamTelemetry,
): Promise<EventLog> {
  const { url, auth } = config.registry;
  if (url === null) {
    throw new StenoError('no_registry', 'no schema registry is configured', {
      fix: 'set STENO_REGISTRY_URL, or run steno up for an embedded one',
    });
  }
  const log = await openKafkaLog(kafkaOptions(config, `${config.topicPrefix}-${role}-${process.pid}`));
  try {
    const topics = allTopics(config.topicPrefix, pools);
    return await openEventLog(log, connectRegistry(url, auth), url, topics, telemetry);
  } catch (error) {
    // Its connections would keep the process alive.
    await log.close();
    throw error;
  }
}
