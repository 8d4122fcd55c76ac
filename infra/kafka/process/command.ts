import { spawn } from 'node:child_process';

/** What a short-lived command printed, and how it ended; `code` is null when it could not run or was killed. */
export type Outcome = { readonly code: number | null; readonly output: string };

/** Output beyond this is cut from the front. */
const KEEP_CHARS = 200_000;

/**
 * Runs a command to its end and returns stdout and stderr together. A command that does not exist is an outcome, not
 * an error. `onOutput` hears every piece as it comes.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly signal?: AbortSignal | undefined;
    readonly onOutput?: (text: string) => void;
  } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const hear = (chunk: Buffer): void => {
      const text = chunk.toString();
      output = (output + text).slice(-KEEP_CHARS);
      options.onOutput?.(text);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}
