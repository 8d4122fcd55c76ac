import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { StenoError } from '../../../runtime/errors.ts';
import type { Progress } from '../../../runtime/progress.ts';
import { checkDisk } from '../data-dir.ts';
import { waitForLock } from '../../../runtime/file-lock.ts';
import type { Java } from './find-java.ts';
import { runMaven } from './run-maven.ts';

/** The installed programs. They are shared by all data directories of a user. */
export type Parts = {
  readonly dir: string;
  /** The class path of broker and Kafka tools, in a fixed order. */
  readonly kafkaClasspath: string;
  readonly registryJar: string;
  /** Where class archives lie, which belong to exactly these jars. */
  readonly archives: string;
  readonly versions: Versions;
};

type Versions = { readonly kafka: string; readonly registry: string };

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));
const STAMP = 'installed.json';
/** Jars, unpacked registry, and what Maven keeps of them. */
const NEEDED_BYTES = 500e6;

/**
 * Installs the broker's and the registry's jars into the cache directory, or finds them there. They appear all at
 * once or not at all, and of two processes that install at the same time one waits for the other.
 *
 * @throws StenoError `maven_missing`, `install_failed`, `disk_full`
 */
export async function installParts(options: {
  readonly cacheDir: string;
  readonly java: Java;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  /** Ends the installation; nothing of it stays. */
  readonly signal?: AbortSignal | undefined;
}): Promise<Parts> {
  const { progress } = options;
  const cacheDir = resolve(options.cacheDir);
  const pom = await readFile(POM, 'utf8');
  const dir = dirOf(cacheDir, pom);
  const versions = { kafka: versionIn(pom, 'kafka'), registry: versionIn(pom, 'registry') };
  if (!(await isInstalled(dir))) {
    const lock = await waitForLock(`${dir}.lock`, (pid) =>
      progress.line(`Waiting for process ${pid ?? ''} to install the broker and registry`),
    );
    try {
      if (!(await isInstalled(dir))) await install({ ...options, cacheDir }, dir, versions);
    } finally {
      lock.release();
    }
  }
  return partsIn(dir, versions);
}

/** Whether `installParts` would find them in this cache directory. */
export async function arePartsInstalled(cacheDir: string): Promise<boolean> {
  return isInstalled(dirOf(resolve(cacheDir), await readFile(POM, 'utf8')));
}

/** Another set of versions is another directory. */
function dirOf(cacheDir: string, pom: string): string {
  return join(cacheDir, `embedded-${createHash('sha256').update(pom).digest('hex').slice(0, 12)}`);
}

async function install(
  options: Parameters<typeof installParts>[0],
  dir: string,
  versions: Versions,
): Promise<void> {
  const { cacheDir, java, env, progress, signal } = options;
  await checkDisk(cacheDir, NEEDED_BYTES);
  for (const left of await readdir(cacheDir)) {
    if (left.startsWith('installing-')) await rm(join(cacheDir, left), { recursive: true, force: true });
  }
  const work = await mkdtemp(join(cacheDir, 'installing-'));
  const step = progress.step(`Installing Kafka ${versions.kafka} and Apicurio Registry ${versions.registry}`);
  const began = Date.now();
  try {
    await runMaven({
      pom: POM,
      phase: 'process-resources',
      properties: { 'parts.dir': work },
      java,
      env,
      step,
      signal,
    });
    await partsIn(work, versions);
    await mkdir(join(work, 'archives'));
    await writeFile(join(work, STAMP), JSON.stringify(versions));
    await rm(dir, { recursive: true, force: true });
    await rename(work, dir);
    step.finish(`${((Date.now() - began) / 1000).toFixed(1)} s`);
  } catch (error) {
    step.fail('failed');
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function isInstalled(dir: string): Promise<boolean> {
  return (await readFile(join(dir, STAMP), 'utf8').catch(() => null)) !== null;
}

async function partsIn(dir: string, versions: Versions): Promise<Parts> {
  const jars = (await readdir(join(dir, 'kafka'))).filter((file) => file.endsWith('.jar')).sort();
  const registryJar = `apicurio-registry-app-${versions.registry}-runner.jar`;
  const complete =
    jars.includes(`kafka_2.13-${versions.kafka}.jar`) &&
    (await readdir(join(dir, 'registry'))).includes(registryJar);
  if (!complete) {
    throw new StenoError('install_failed', `The broker or the registry is missing in ${dir}.`, {
      fix: `Delete ${dir} and start again.`,
    });
  }
  return {
    dir,
    kafkaClasspath: jars.map((jar) => join(dir, 'kafka', jar)).join(delimiter),
    registryJar: join(dir, 'registry', registryJar),
    archives: join(dir, 'archives'),
    versions,
  };
}

function versionIn(pom: string, part: keyof Versions): string {
  const version = new RegExp(`<${part}\\.version>(.+?)<`).exec(pom)?.[1];
  if (version === undefined) throw new Error(`pom.xml names no version of ${part}`);
  return version;
}
