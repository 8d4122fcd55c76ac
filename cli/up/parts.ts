import { findJava } from '../../infra/kafka/parts/find-java.ts';
import { installParts } from '../../infra/kafka/parts/install-parts.ts';
import type { Service } from '../../infra/kafka/process/service.ts';
import { startBroker } from '../../infra/kafka/start-broker.ts';
import { startEmbedded } from '../../infra/kafka/start-embedded.ts';
import { startRegistry } from '../../infra/kafka/start-registry.ts';
import type { Config } from '../../runtime/config.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Progress } from '../../runtime/progress.ts';
import { keepService, type KeptService } from './keep-service.ts';

export type PartsOptions = {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onChange: () => void;
};

/** Broker and registry: our own, or those whose addresses are configured. */
export type RunningParts = {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  /** Process ids of the embedded ones, null for external ones. */
  readonly pids: () => { readonly kafka: number | null; readonly registry: number | null };
  readonly stop: () => Promise<void>;
  readonly kill: () => void;
};

/** Starts what is not configured as an external part, and keeps it running. Throws as `startEmbedded` does. */
export async function startParts(options: PartsOptions): Promise<RunningParts> {
  const { config, env, progress, logger, signal } = options;
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    cacheDir: config.cacheDir,
    progress,
    logger,
    env,
    signal,
    needKafka: config.kafka.brokers.length === 0,
    needRegistry: config.registry.url === null,
    ...(config.kafka.port === null || config.kafka.port === 0 ? {} : { kafkaPort: config.kafka.port }),
    ...(config.registry.port === null || config.registry.port === 0
      ? {}
      : { registryPort: config.registry.port }),
  });
  const broker = keep(options, embedded.broker, async (common, address) =>
    startBroker({ ...common, port: Number(address.split(':').at(-1)) }),
  );
  const registry = keep(options, embedded.registry, async (common, address) =>
    startRegistry({ ...common, port: Number(new URL(address).port) }),
  );
  return {
    brokers: embedded.broker === undefined ? config.kafka.brokers : [embedded.broker.address],
    registryUrl: embedded.registry?.address ?? config.registry.url ?? '',
    pids: () => ({ kafka: broker?.current().pid ?? null, registry: registry?.current().pid ?? null }),
    async stop() {
      await stopVisibly(progress, 'registry', registry);
      await stopVisibly(progress, 'broker', broker);
      await embedded.stop();
    },
    kill() {
      broker?.kill();
      registry?.kill();
    },
  };
}

type Common = Omit<Parameters<typeof startBroker>[0], 'port' | 'signal'>;

function keep(
  options: PartsOptions,
  service: Service | undefined,
  start: (common: Common, address: string) => Promise<Service>,
): KeptService | undefined {
  if (service === undefined) return undefined;
  const { config, env, progress, logger } = options;
  return keepService({
    service,
    say: (text) => progress.line(text),
    onChange: options.onChange,
    async restart() {
      const java = await findJava({ env, cacheDir: config.cacheDir, progress });
      const parts = await installParts({ cacheDir: config.cacheDir, java, env, progress });
      return start({ parts, java, dataDir: config.dataDir, logger }, service.address);
    },
  });
}

async function stopVisibly(progress: Progress, name: string, kept: KeptService | undefined): Promise<void> {
  if (kept === undefined) return;
  const step = progress.step(`stopping ${name}`);
  await kept.stop();
  step.finish();
}
