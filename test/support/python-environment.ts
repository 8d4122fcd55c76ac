import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand } from '../../infra/kafka/process/command.ts';
import { StenoError } from '../../runtime/errors.ts';
import { CACHE_DIR } from './cache-dir.ts';

export type PythonPackages = {
  /** First part of the directory's name. */
  readonly name: string;
  /** Requirements as pip takes them. */
  readonly packages: readonly string[];
  /** Requirements in place of those that the packages state for the same names; installed with uv where there are any. */
  readonly overrides?: readonly string[];
};

/**
 * Returns the `python` of an environment in the cache directory that holds these packages; it is made when it is not
 * there. Programs are to be started with `-m` or `-c`: the scripts of its `bin` name another directory.
 *
 * Throws StenoError `python_missing` if no Python 3 makes environments here, `download_failed` if the packages cannot
 * be had.
 */
export async function pythonEnvironment(wanted: PythonPackages): Promise<string> {
  const { name, packages, overrides = [] } = wanted;
  const key = hash('sha256', JSON.stringify([packages, overrides]), 'hex').slice(0, 12);
  const home = join(CACHE_DIR, 'python', `${name}-${key}`);
  const python = join(home, 'bin', 'python');
  if (existsSync(python)) return python;
  await mkdir(dirname(home), { recursive: true });
  // Made aside and moved when complete: another process may make the same, and this one may be killed.
  const draft = await mkdtemp(`${home}.`);
  const draftPython = join(draft, 'bin', 'python');
  try {
    await run('python_missing', 'python3', ['-m', 'venv', draft]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    if (overrides.length === 0) await run('download_failed', draftPython, [...pip, ...packages]);
    else {
      await run('download_failed', draftPython, [...pip, 'uv']);
      const file = join(draft, 'overrides.txt');
      await writeFile(file, `${overrides.join('\n')}\n`);
      const uv = [
        '-m',
        'uv',
        'pip',
        'install',
        '--quiet',
        '--system-certs',
        '--compile-bytecode',
        '--python',
        draftPython,
      ];
      await run('download_failed', draftPython, [...uv, '--override', file, ...packages]);
    }
    await rename(draft, home).catch((error: unknown) => {
      if (!existsSync(python)) throw error;
    });
    return python;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function run(code: string, program: string, parameters: readonly string[]): Promise<void> {
  const ended = await runCommand(program, parameters, { env: process.env });
  if (ended.code === 0) return;
  const reason = ended.output.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  throw new StenoError(code, `${program} ${parameters.slice(0, 2).join(' ')} failed: ${reason}`, {
    fix: 'install Python 3.10 or newer with pip and venv, and let it reach a package index',
    retryable: code === 'download_failed',
  });
}
