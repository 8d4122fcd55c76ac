import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that a test started, and what it printed so far. */
export type ChildProgram = {
  /** Complete lines of its stdout. */
  readonly lines: readonly string[];
  readonly stderr: () => string;
  /** Asks it to stop and resolves with its exit code; null if a signal ended it. */
  stop(): Promise<number | null>;
};

/** Starts a program and collects what it prints. */
export function startProgram(command: string, parameters: readonly string[]): ChildProgram {
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  let rest = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const pieces = (rest + text).split('\n');
    rest = pieces.pop() ?? '';
    lines.push(...pieces);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    lines,
    stderr: () => stderr,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
  };
}
