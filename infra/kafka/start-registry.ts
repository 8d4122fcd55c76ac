import { join } from 'node:path';

import { errorCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Java } from './parts/find-java.ts';
import type { Parts } from './parts/install-parts.ts';
import { choosePorts } from './process/choose-ports.ts';
import { classArchive } from './process/class-archive.ts';
import { startJava } from './process/java-process.ts';
import { realDir } from './process/real-dir.ts';
import type { Service } from './process/service.ts';
import { registryProperties } from './registry-properties.ts';

export type RegistryOptions = {
  readonly parts: Parts;
  readonly java: Java;
  readonly dataDir: string;
  readonly logger: Logger;
  /** Fails when taken. Without one, the port of last time is used if it is free, else any free one. */
  readonly port?: number | undefined;
  readonly host?: string;
  readonly heapMb?: number;
  /** Ends a start that has not come to its end; `stop` ends a started one. */
  readonly signal?: AbortSignal | undefined;
};

const START_MS = 90_000;
const PROBE_TIMEOUT_MS = 5_000;

/**
 * Starts the schema registry over a data directory, where schemas and their ids survive restarts, and returns once it
 * answers. Its address is the URL of its Confluent API. The caller holds the directory's lock.
 *
 * @throws StenoError `port_in_use`, `disk_full`, `data_dir_in_use`, `registry_failed`
 */
export async function startRegistry(options: RegistryOptions): Promise<Service> {
  try {
    return await startOnce(options);
  } catch (error) {
    // Somebody took the port between our looking and the registry's listening.
    if (options.port !== undefined || errorCode(error) !== 'port_in_use') throw error;
    return startOnce(options);
  }
}

async function startOnce(options: RegistryOptions): Promise<Service> {
  const { parts, java, logger, host = '127.0.0.1', heapMb = 192 } = options;
  const home = await realDir(options.dataDir);
  const cwd = await realDir(join(home, 'registry'));
  const { http: port } = await choosePorts(join(cwd, 'ports.json'), host, { http: options.port });
  const address = `http://${host}:${port}/apis/ccompat/v7`;
  const properties = registryProperties({ host, port, logFile: join('..', 'logs', 'registry.log') });
  // Nothing here is hot, so the quick compiler alone does: half the work of a start, and less memory.
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', `-Xmx${heapMb}m`];
  return startJava({
    name: 'registry',
    java,
    home,
    cwd,
    archive: await classArchive(parts.archives, 'registry', java),
    host,
    address,
    args: [...quick, ...properties, '-jar', parts.registryJar],
    isReady: () => isRegistryReady(address),
    startMs: START_MS,
    signal: options.signal,
    logger,
  });
}

async function isRegistryReady(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/subjects`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Nobody listens yet: the caller asks again until its deadline.
    return false;
  }
}
