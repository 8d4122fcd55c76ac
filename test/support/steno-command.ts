import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/steno.js', import.meta.url));

/** A command that runs, and what it wrote so far. */
export type RunningCommand = {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when it has ended and all its output was read. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
};

/** Starts `steno` with these parameters, as a person at a terminal does; `input` is its stdin. */
export function startSteno(
  parameters: readonly string[],
  env: NodeJS.ProcessEnv,
  input: string | null = null,
): RunningCommand {
  const child = spawn(process.execPath, [PROGRAM, ...parameters], { env, stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(input ?? '');
  const ended = once(child, 'close').then(([code]) => ({
    // The argument of 'close' as Node documents it.
    code: code as number | null,
    stdout,
    stderr,
  }));
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}
