import { rmSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from '../../../runtime/logger.ts';
import type { ClassArchive } from './class-archive.ts';
import { explainFailure } from './explain-failure.ts';
import { markOf } from '../../../runtime/process-mark.ts';
import type { Exit, Service } from './service.ts';
import { spawnJava, type JavaSpawn, type SpawnedProcess } from './spawn-java.ts';

export type JavaStart = JavaSpawn & {
  readonly host: string;
  readonly address: string;
  /** Whether the server answers now. Asked every 25 ms until it does. */
  readonly isReady: () => Promise<boolean>;
  readonly startMs: number;
  readonly signal: AbortSignal | undefined;
  readonly logger: Logger;
};

/** What a JVM answers to SIGTERM. */
const ORDERLY = 128 + 15;
const PROBE_MS = 25;
const STOP_MS = 10_000;
/** Writing the class archive comes on top of an orderly stop. */
const ARCHIVE_MS = 20_000;

/**
 * Starts a JVM and returns once it answers. It runs in its own process group: a Ctrl-C reaches only the supervisor,
 * which stops its parts in order. Its process id lies in `run/<name>.pid`, so that a later start finds an orphan.
 *
 * @throws StenoError `port_in_use`, `disk_full`, `data_dir_in_use`, or `<name>_failed` with a line of the log
 */
export async function startJava(start: JavaStart): Promise<Service> {
  const logFile = join(start.home, 'logs', `${start.name}.log`);
  const outFile = join(start.home, 'logs', `${start.name}.out.log`);
  const pidFile = join(start.home, 'run', `${start.name}.pid`);
  await mkdir(join(start.home, 'logs'), { recursive: true });
  await mkdir(join(start.home, 'run'), { recursive: true });
  const from = (await stat(logFile).catch(() => null))?.size ?? 0;

  const child = await spawnJava(start, outFile);
  const service = await serviceOf(start, child, pidFile);
  const what = await waitUntilReady(start, service);
  if (what === null) return service;
  service.kill();
  const { signal } = await service.exited;
  await (signal === null || signal === 'SIGKILL' ? start.archive.drop() : start.archive.distrust());
  start.signal?.throwIfAborted();
  throw await explainFailure({
    name: start.name,
    host: start.host,
    home: start.home,
    what,
    logFiles: [
      { path: logFile, from },
      { path: outFile, from: 0 },
    ],
  });
}

async function serviceOf(start: JavaStart, child: SpawnedProcess, pidFile: string): Promise<Service> {
  // A supervisor that ends without stopping its parts takes them along.
  const endWithUs = (): void => void child.kill('SIGTERM');
  process.once('exit', endWithUs);
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      process.off('exit', endWithUs);
      rmSync(pidFile, { force: true });
      start.logger.info('process ended', { name: start.name, pid: child.pid, code, signal });
      resolve({ code, signal });
    });
  });
  await writeFile(pidFile, JSON.stringify(markOf(child.pid)));
  let stopping: Promise<void> | undefined;
  return {
    name: start.name,
    pid: child.pid,
    address: start.address,
    exited,
    stop: () => (stopping ??= stopChild(child, exited, start.archive)),
    kill: () => void child.kill('SIGKILL'),
  };
}

async function stopChild(child: SpawnedProcess, exited: Promise<Exit>, archive: ClassArchive): Promise<void> {
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_MS + (archive.writes ? ARCHIVE_MS : 0));
  const { code } = await exited;
  clearTimeout(deadline);
  await (code === ORDERLY ? archive.keep() : archive.drop());
}

/** Null when the server answers, else what went wrong. */
async function waitUntilReady(start: JavaStart, service: Service): Promise<string | null> {
  const deadline = Date.now() + start.startMs;
  let ended: Exit | undefined;
  void service.exited.then((exit) => (ended = exit));
  while (Date.now() < deadline) {
    if (ended !== undefined) return `ended with ${ended.signal ?? `code ${ended.code}`} while it started`;
    if (start.signal?.aborted === true) return 'was told to stop';
    if (await start.isReady()) return null;
    await delay(PROBE_MS);
  }
  return `did not answer within ${Math.round(start.startMs / 1000)} s`;
}
