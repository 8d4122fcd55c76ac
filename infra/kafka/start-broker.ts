import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { StenoError, errorCode } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import { renderBrokerLogging, renderBrokerProperties, type Listener } from './broker-properties.ts';
import { isBrokerReady } from './broker-ready.ts';
import type { Java } from './parts/find-java.ts';
import type { Parts } from './parts/install-parts.ts';
import { choosePorts } from './process/choose-ports.ts';
import { classArchive } from './process/class-archive.ts';
import { runCommand } from './process/command.ts';
import { tellingLine } from './process/explain-failure.ts';
import { startJava } from './process/java-process.ts';
import { realDir } from './process/real-dir.ts';
import type { Service } from './process/service.ts';

export type BrokerOptions = {
  readonly parts: Parts;
  readonly java: Java;
  readonly dataDir: string;
  readonly logger: Logger;
  /** Fails when taken. Without one, the port of last time is used if it is free, else any free one. */
  readonly port?: number | undefined;
  readonly host?: string;
  /** `host:port` that clients are told, where it is not where the broker listens. */
  readonly advertised?: string;
  readonly moreListeners?: readonly Listener[];
  readonly heapMb?: number;
  /** Ends a start that has not come to its end; `stop` ends a started one. */
  readonly signal?: AbortSignal | undefined;
};

const START_MS = 60_000;

/**
 * Starts the one-node Kafka broker over a data directory and returns once it serves. Its address is `host:port`.
 * The caller holds the directory's lock.
 *
 * @throws StenoError `port_in_use`, `disk_full`, `data_dir_in_use`, `broker_failed`
 */
export async function startBroker(options: BrokerOptions): Promise<Service> {
  try {
    return await startOnce(options);
  } catch (error) {
    // Somebody took the port between our looking and the broker's listening.
    if (options.port !== undefined || errorCode(error) !== 'port_in_use') throw error;
    return startOnce(options);
  }
}

/** The id of the cluster that a data directory holds, or null before its first start. */
export async function readClusterId(dataDir: string): Promise<string | null> {
  return readFile(join(dataDir, 'kafka', 'cluster-id'), 'utf8').catch(() => null);
}

async function startOnce(options: BrokerOptions): Promise<Service> {
  const { parts, java, logger, host = '127.0.0.1', heapMb = 512, moreListeners = [] } = options;
  const home = await realDir(options.dataDir);
  const cwd = await realDir(join(home, 'kafka'));
  const { broker: port, controller: controllerPort } = await choosePorts(join(cwd, 'ports.json'), host, {
    broker: options.port,
    controller: undefined,
  });
  const advertised = options.advertised ?? `${host}:${port}`;
  await writeFile(
    join(cwd, 'server.properties'),
    renderBrokerProperties({ host, port, controllerPort, advertised, moreListeners }),
  );
  await writeFile(join(cwd, 'log4j2.properties'), renderBrokerLogging(join('..', 'logs', 'broker.log')));
  await formatOnce(options, cwd);
  const archive = await classArchive(parts.archives, 'broker', java);
  return startJava({
    name: 'broker',
    java,
    home,
    cwd,
    archive,
    host,
    address: advertised,
    args: [...memory(heapMb), ...onClasspath(parts), 'kafka.Kafka', 'server.properties'],
    isReady: () => isBrokerReady(host, port),
    startMs: START_MS,
    signal: options.signal,
    logger,
  });
}

/** 128 random bits in Kafka's spelling. The first bit is 0, so that the id does not begin with a dash like an option. */
function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
}

/** One collector thread suits a small heap on a small machine: shorter starts, and no worker steals a core. */
function memory(heapMb: number): readonly string[] {
  return ['-XX:+UseSerialGC', `-Xms${Math.min(256, heapMb)}m`, `-Xmx${heapMb}m`];
}

function onClasspath(parts: Parts): readonly string[] {
  return ['-Dlog4j2.configurationFile=log4j2.properties', '-cp', parts.kafkaClasspath];
}

/** Formats the log directory with a cluster id that is written down first, so that a broken attempt can be repeated. */
async function formatOnce({ parts, java, dataDir }: BrokerOptions, cwd: string): Promise<void> {
  if (existsSync(join(cwd, 'data', 'meta.properties'))) return;
  const clusterId = (await readClusterId(dataDir)) ?? newClusterId();
  await writeFile(join(cwd, 'cluster-id'), clusterId);
  await mkdir(join(cwd, '..', 'logs'), { recursive: true });
  const tool = [
    'kafka.tools.StorageTool',
    'format',
    '--ignore-formatted',
    '-t',
    clusterId,
    '-c',
    'server.properties',
  ];
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  const { code, output } = await runCommand(java.path, [...quick, ...onClasspath(parts), ...tool], { cwd });
  if (code === 0) return;
  throw new StenoError(
    'broker_failed',
    `The broker's storage could not be formatted: ${tellingLine(output.split('\n'))}`,
    {
      fix: `Check that ${cwd} can be written.`,
    },
  );
}
