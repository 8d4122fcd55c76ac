import { join } from 'node:path';
import type { Config } from '../../../runtime/config.ts';

export type RoleSurroundings = {
  /** What the supervisor itself was given: settings it does not know of reach the roles too. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config: Config;
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly isKafkaEmbedded: boolean;
};

/** Where programs are kept compiled; Node keeps those of its versions apart. */
export function compiledDir({ cacheDir }: Pick<Config, 'cacheDir'>): string {
  return join(cacheDir, 'compiled');
}

/**
 * The environment of a role under `steno up`. `lastAddress` is where a restarted role was reached before its end: its
 * clients come back to the same port.
 */
export function roleEnvironment(
  surroundings: RoleSurroundings,
  lastAddress: string | null,
): Readonly<Record<string, string | undefined>> {
  const { env, config, brokers, registryUrl, isKafkaEmbedded } = surroundings;
  return {
    ...env,
    STENO_DATA_DIR: config.dataDir,
    STENO_CACHE_DIR: config.cacheDir,
    STENO_KAFKA_BROKERS: brokers.join(','),
    STENO_REGISTRY_URL: registryUrl,
    PORT: lastAddress === null ? String(config.port) : new URL(lastAddress).port,
    // Half of a restart is reading programs: they are kept compiled. Node writes them when a process ends by itself.
    NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? compiledDir(config),
    // Roles share a machine here: each takes a free port.
    STENO_HEALTH_PORT: '0',
    ...(isKafkaEmbedded ? { STENO_KAFKA_SSL: 'false', STENO_KAFKA_SASL_MECHANISM: '' } : {}),
  };
}
