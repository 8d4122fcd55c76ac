import type { Logger } from '../../runtime/logger.ts';
import type { Progress } from '../../runtime/progress.ts';
import { checkDisk, lockDataDir } from './data-dir.ts';
import { findJava } from './parts/find-java.ts';
import { installParts } from './parts/install-parts.ts';
import { stopOrphans } from './process/orphans.ts';
import type { Service } from './process/service.ts';
import { startBroker } from './start-broker.ts';
import { startRegistry } from './start-registry.ts';

export type EmbeddedOptions = {
  readonly dataDir: string;
  /** Where programs are installed, shared by all data directories of a user. */
  readonly cacheDir: string;
  readonly progress: Progress;
  readonly logger: Logger;
  readonly env: NodeJS.ProcessEnv;
  readonly kafkaPort?: number;
  readonly registryPort?: number;
  readonly needKafka: boolean;
  readonly needRegistry: boolean;
  /** Ends a start that has not come to its end: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
};

export type Embedded = {
  readonly broker?: Service;
  readonly registry?: Service;
  /** Stops both at the same time and frees the data directory. */
  stop(): Promise<void>;
};

/** Room for the first segments of logs; the broker stops itself when its disk is full. */
const NEEDED_BYTES = 200e6;

/**
 * Starts the embedded broker and registry, as needed: finds Java, installs the programs, locks the data directory,
 * stops what a killed supervisor left there, and starts both at the same time. When one fails, the other is stopped.
 *
 * @throws StenoError `java_missing`, `maven_missing`, `install_failed`, `disk_full`, `data_dir_in_use`, `port_in_use`,
 * `broker_failed`, `registry_failed`
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  if (!options.needKafka && !options.needRegistry) return { stop: () => Promise.resolve() };
  await checkDisk(options.dataDir, NEEDED_BYTES);
  const lock = await lockDataDir(options.dataDir, 'embedded.lock');
  try {
    const started = await startParts(options);
    return {
      ...started,
      stop: async () => {
        await stopAll(Object.values(started));
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

type Started = { readonly broker?: Service; readonly registry?: Service };

async function startParts(options: EmbeddedOptions): Promise<Started> {
  const { dataDir, cacheDir, progress, logger, env } = options;
  await stopOrphans(dataDir, logger);
  const java = await findJava({ env, cacheDir, progress });
  const parts = await installParts({ cacheDir, java, env, progress, signal: options.signal });
  const failure = new AbortController();
  const signal = AbortSignal.any([failure.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const common = { parts, java, dataDir, logger, signal };
  const { kafka, registry: apicurio } = parts.versions;
  const begin = async (title: string, start: () => Promise<Service>): Promise<Service> => {
    try {
      return await timed(title, progress, start);
    } catch (error) {
      // The other need not come up first to be stopped.
      failure.abort(error);
      throw error;
    }
  };
  const starts = await Promise.allSettled([
    options.needKafka
      ? begin(`Starting Kafka ${kafka}`, () => startBroker({ ...common, port: options.kafkaPort }))
      : undefined,
    options.needRegistry
      ? begin(`Starting Apicurio Registry ${apicurio}`, () =>
          startRegistry({ ...common, port: options.registryPort }),
        )
      : undefined,
  ]);
  const [broker, registry] = starts.map((start) => (start.status === 'fulfilled' ? start.value : undefined));
  const started = {
    ...(broker === undefined ? {} : { broker }),
    ...(registry === undefined ? {} : { registry }),
  };
  if (!failure.signal.aborted) return started;
  await stopAll(Object.values(started));
  throw failure.signal.reason;
}

async function timed(title: string, progress: Progress, start: () => Promise<Service>): Promise<Service> {
  const step = progress.step(title);
  const began = Date.now();
  try {
    const service = await start();
    step.finish(`${service.address}, ${((Date.now() - began) / 1000).toFixed(1)} s`);
    return service;
  } catch (error) {
    step.fail('failed');
    throw error;
  }
}

async function stopAll(services: readonly Service[]): Promise<void> {
  await Promise.all(services.map((service) => service.stop()));
}
