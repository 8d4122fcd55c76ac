import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import { StenoError, errorMessage } from '../../../runtime/errors.ts';
import type { Java } from '../parts/find-java.ts';
import type { ClassArchive } from './class-archive.ts';
import { homeFlag } from './orphans.ts';

/** A JVM to run. */
export type JavaSpawn = {
  readonly name: string;
  readonly java: Java;
  /** The real, absolute data directory: it is named on the command line and holds `run/` and `logs/`. */
  readonly home: string;
  readonly cwd: string;
  /** JVM flags, then the main class or `-jar`, then its arguments. */
  readonly args: readonly string[];
  readonly archive: ClassArchive;
};

export type SpawnedProcess = ChildProcess & { readonly pid: number };

/**
 * Spawns a JVM in a process group of its own; what it prints goes to `outFile`, which is emptied first.
 *
 * @throws StenoError `<name>_failed` when the program cannot be executed
 */
export async function spawnJava(start: JavaSpawn, outFile: string): Promise<SpawnedProcess> {
  const out = openSync(outFile, 'w');
  const flags = [
    '-Djava.awt.headless=true',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    homeFlag(start.home),
  ];
  const child = spawn(start.java.path, [...start.archive.flags, ...flags, ...start.args], {
    cwd: start.cwd,
    detached: true,
    stdio: ['ignore', out, out],
    env: { LANG: 'C.UTF-8' },
  });
  closeSync(out);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(failedToSpawn(start, cause)));
  });
  // A spawned process has an id.
  return child as SpawnedProcess;
}

function failedToSpawn(start: JavaSpawn, cause: Error): StenoError {
  return new StenoError(`${start.name}_failed`, `Java did not run: ${errorMessage(cause)}`, {
    fix: `Check that ${start.java.path} can be executed.`,
    cause,
  });
}
