import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { Java } from '../parts/find-java.ts';
import { isRunning } from '../../../runtime/process-mark.ts';

/** The JVM flags that use, or write, an archive of loaded classes. It halves the work of a start. */
export interface ClassArchive {
  readonly flags: readonly string[];
  /** Whether the JVM writes the archive as it ends, which takes seconds. */
  readonly writes: boolean;
  /** Call after an orderly end: puts a written archive in place. */
  keep(): Promise<void>;
  /** Call after any other end: drops what was written. */
  drop(): Promise<void>;
  /** Call when the JVM crashed as it started: drops the archive that it read, too. */
  distrust(): Promise<void>;
}

/**
 * Finds the class archive of a program for one Java. The first orderly stop writes it, later starts read it. The JVM
 * checks that an archive fits and else goes on without it, but a cut one crashes it: so the name holds the length.
 */
export async function classArchive(folder: string, program: string, java: Java): Promise<ClassArchive> {
  await mkdir(folder, { recursive: true });
  const key = createHash('sha256').update(`${java.path} ${java.version}`).digest('hex').slice(0, 12);
  const name = `${program}-${key}`;
  await removeAbandoned(folder);
  const found = await findWhole(folder, name);
  return found === null ? writing(folder, name) : reading(found);
}

function reading(path: string): ClassArchive {
  return {
    flags: ['-Xlog:disable', '-Xshare:auto', `-XX:SharedArchiveFile=${path}`],
    writes: false,
    keep: () => Promise.resolve(),
    drop: () => Promise.resolve(),
    distrust: () => rm(path, { force: true }),
  };
}

function writing(folder: string, name: string): ClassArchive {
  const written = join(folder, `${name}.${process.pid}.${randomUUID()}.tmp`);
  const drop = (): Promise<void> => rm(written, { force: true });
  return {
    flags: ['-Xlog:disable', `-XX:ArchiveClassesAtExit=${written}`],
    writes: true,
    keep: () => putInPlace(folder, name, written),
    drop,
    distrust: drop,
  };
}

async function putInPlace(folder: string, name: string, written: string): Promise<void> {
  // A Java without an archive of its own classes writes none.
  const size = await sizeOf(written);
  if (size === null) return;
  const file = await open(written, 'r');
  await file.sync();
  await file.close();
  await rename(written, join(folder, `${name}.${size}.jsa`));
}

async function findWhole(folder: string, name: string): Promise<string | null> {
  for (const file of await readdir(folder)) {
    const size = file.startsWith(`${name}.`) ? /^[^.]+\.(\d+)\.jsa$/.exec(file)?.[1] : undefined;
    if (size !== undefined && (await sizeOf(join(folder, file))) === Number(size)) return join(folder, file);
  }
  return null;
}

async function sizeOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found?.size ?? null;
}

/** Removes what killed supervisors left: the file's name holds the process id. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const file of await readdir(folder)) {
    const pid = Number(/\.(\d+)\.[^.]+\.tmp$/.exec(file)?.[1]);
    if (pid > 0 && !isRunning({ pid, started: null })) await rm(join(folder, file), { force: true });
  }
}
