import { open } from 'node:fs/promises';

import { StenoError } from '../../../runtime/errors.ts';
import { portInUse } from './choose-ports.ts';

const TAIL_BYTES = 64 * 1024;
const LINE_CHARS = 300;
/** A level, an exception that says something, or the crash of a JVM. */
const TELLING = /\b(ERROR|FATAL)\b|(Error|Exception): \S|Could not|SIG[A-Z]+ \(0x/;

/** What is known of a process that ended, or did not answer, while it started. */
export type FailedStart = {
  readonly name: string;
  readonly host: string;
  readonly home: string;
  readonly what: string;
  /** The log that a person should read comes first; `from` is where this start began to write. */
  readonly logFiles: readonly { readonly path: string; readonly from: number }[];
};

/**
 * Turns a failed start into one error a person can act on: `port_in_use`, `disk_full`, `data_dir_in_use`, or
 * `<name>_failed` with the line of the log that tells most.
 */
export async function explainFailure(start: FailedStart): Promise<StenoError> {
  const tails = await Promise.all(start.logFiles.map(readTail));
  const lines = tails
    .join('\n')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const text = lines.join('\n');
  if (/Address already in use|BindException|Port \d+ seems to be used/i.test(text)) {
    return portInUse(portNamed(text), start.host);
  }
  if (/No space left on device/i.test(text)) {
    return new StenoError('disk_full', `The disk under ${start.home} is full.`, {
      fix: 'Free some space and start again.',
    });
  }
  if (/Failed to acquire lock on file|Database may be already in use/i.test(text)) {
    return new StenoError(
      'data_dir_in_use',
      `The data directory ${start.home} is in use by another process.`,
      {
        fix: 'Stop that process, or choose another data directory.',
        facts: { dir: start.home },
      },
    );
  }
  const line = tellingLine(lines);
  return new StenoError(
    `${start.name}_failed`,
    `The ${start.name} ${start.what}${line === '' ? '' : `: ${line}`}`,
    {
      fix: `Read ${start.logFiles[0]?.path ?? 'its log'}.`,
      facts: { logFile: start.logFiles[0]?.path },
    },
  );
}

/** The last line that names an error, else the last line, cut to one readable length. */
export function tellingLine(lines: readonly string[]): string {
  const telling = lines.findLast((line) => TELLING.test(line) && !line.startsWith('at '));
  return (telling ?? lines.at(-1) ?? '').slice(0, LINE_CHARS);
}

function portNamed(text: string): number | undefined {
  const port = /Port (\d+) seems|(?:bind|listen)[^\n]*?:(\d{2,5})\b/i.exec(text);
  const digits = port?.[1] ?? port?.[2];
  return digits === undefined ? undefined : Number(digits);
}

async function readTail({ path, from }: FailedStart['logFiles'][number]): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    // A log that was rolled since is shorter than it was.
    const length = Math.min(size < from ? size : size - from, TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    // A log that was never written explains nothing.
    return '';
  }
}
