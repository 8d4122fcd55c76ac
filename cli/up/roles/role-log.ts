import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { failureIn, notableLine, type Failure } from './log-line.ts';

const ROTATE_BYTES = 10_000_000;
const POLL_MS = 200;
/** A storm of warnings is summed up; the file has all of them. */
const LINES_AT_ONCE = 4;

/**
 * The log file of a role, `<dataDir>/logs/<name>.log`. Roles write to it themselves, so that nothing is lost and nobody
 * is blocked when the supervisor ends; the supervisor reads along.
 */
export interface RoleLog {
  readonly path: string;
  /** Why the role failed, if it said so since the last call. */
  takeFailure(): Failure | null;
  close(): void;
}

/** Opens the log, after setting a large old one aside, and shows its new warnings and errors by `show`. */
export async function openRoleLog(
  dataDir: string,
  name: string,
  show: (text: string) => void,
): Promise<RoleLog> {
  const dir = join(dataDir, 'logs');
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${name}.log`);
  rotate(path);
  const file = openSync(path, 'a+');
  const buffer = Buffer.alloc(65_536);
  const decoder = new StringDecoder('utf8');
  let position = sizeOf(path);
  let rest = '';
  let failure: Failure | null = null;

  function readAlong(): void {
    let shown = 0;
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, position);
      if (length === 0) break;
      position += length;
      const lines = (rest + decoder.write(buffer.subarray(0, length))).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        failure = failureIn(line) ?? failure;
        const notable = notableLine(name, line);
        if (notable === null) continue;
        shown += 1;
        if (shown <= LINES_AT_ONCE) show(notable.text);
      }
    }
    if (shown > LINES_AT_ONCE) show(`${name}: ${shown - LINES_AT_ONCE} more lines in ${path}`);
  }

  const timer = setInterval(readAlong, POLL_MS).unref();
  return {
    path,
    takeFailure() {
      readAlong();
      const taken = failure;
      failure = null;
      return taken;
    },
    close() {
      clearInterval(timer);
      readAlong();
      closeSync(file);
    },
  };
}

function rotate(path: string): void {
  if (sizeOf(path) >= ROTATE_BYTES) renameSync(path, `${path}.1`);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
