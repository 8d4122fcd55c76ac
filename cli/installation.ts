import type { Config } from '../runtime/config.ts';
import { StenoError } from '../runtime/errors.ts';
import { isRunning } from '../runtime/process-mark.ts';
import { withPlainKafka } from './kafka-options.ts';
import { readRunState, type RunState } from './run-state.ts';

/** The installation that a command speaks to. What is not known is null, or empty for the brokers. */
export type Installation = {
  /** Of a `steno up` that runs over the data directory. */
  readonly state: RunState | null;
  /** The settings to reach its parts with: an embedded broker knows no TLS and no credentials. */
  readonly config: Config;
  readonly brokers: readonly string[];
  /** The brokers are one that `steno up` embeds. */
  readonly isKafkaEmbedded: boolean;
  readonly registryUrl: string | null;
  /** Where the gateway is reached, such as http://127.0.0.1:8080. */
  readonly gateway: string | null;
  readonly topicPrefix: string;
};

/** Finds the configured broker and registry; what is not configured is that of a running `steno up`. Asks nobody. */
export async function findInstallation(config: Config): Promise<Installation> {
  const found = await readRunState(config.dataDir);
  const state = found !== null && isRunning(found.supervisor) ? found : null;
  const isConfigured = config.kafka.brokers.length > 0;
  const isKafkaEmbedded = !isConfigured && typeof state?.kafka?.pid === 'number';
  return {
    state,
    config: isKafkaEmbedded ? withPlainKafka(config) : config,
    brokers: isConfigured ? config.kafka.brokers : (state?.kafka?.brokers ?? []),
    isKafkaEmbedded,
    registryUrl: config.registry.url ?? state?.registry?.url ?? null,
    gateway: state?.roles.find(({ name }) => name === 'gateway')?.address ?? null,
    topicPrefix: state?.topicPrefix ?? config.topicPrefix,
  };
}

/** Returns broker and registry of the installation. Throws StenoError `not_running` if one of them is not known. */
export function clusterOf(installation: Installation): {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
} {
  const { brokers, registryUrl, config } = installation;
  if (brokers.length > 0 && registryUrl !== null) return { brokers, registryUrl };
  throw new StenoError(
    'not_running',
    `no broker or registry is configured and nothing runs over ${config.dataDir}`,
    {
      fix: 'start steno up, set STENO_DATA_DIR to that of a running one, or set STENO_KAFKA_BROKERS and STENO_REGISTRY_URL',
    },
  );
}
