import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage, StenoError } from '../../runtime/errors.ts';
import type { LogFields, Logger } from '../../runtime/logger.ts';
import { notableLine } from './roles/log-line.ts';

const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/**
 * The supervisor's own log, `<dataDir>/logs/supervisor.log`; warnings and errors are shown to the person too.
 * Throws StenoError `data_dir_unwritable`.
 */
export function createSupervisorLogger(dataDir: string, show: (text: string) => void): Logger {
  const dir = join(dataDir, 'logs');
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw new StenoError(
      'data_dir_unwritable',
      `cannot write to the data directory: ${errorMessage(error)}`,
      {
        fix: 'set STENO_DATA_DIR to a directory that this user may write',
        cause: error,
      },
    );
  }
  return build(join(dir, 'supervisor.log'), show, {});
}

function build(path: string, show: (text: string) => void, base: LogFields): Logger {
  const write = (level: keyof typeof LEVELS, sentence: string, fields: LogFields = {}): void => {
    const entry = {
      level: LEVELS[level],
      time: new Date().toISOString(),
      pid: process.pid,
      ...base,
      ...fields,
    };
    const line = JSON.stringify({ ...entry, msg: sentence });
    append(path, line);
    const notable = notableLine('steno', line);
    if (notable !== null) show(notable.text);
  };
  return {
    debug() {
      // What a supervisor does is little enough to be told at level info.
    },
    info: (sentence, fields) => write('info', sentence, fields),
    warn: (sentence, fields) => write('warn', sentence, fields),
    error: (sentence, fields) => write('error', sentence, fields),
    child: (fields) => build(path, show, { ...base, ...fields }),
  };
}

/** A disk that is full must not end the one who keeps the others running. */
function append(path: string, line: string): void {
  try {
    appendFileSync(path, `${line}\n`);
  } catch {
    // Warnings and errors are shown all the same.
  }
}
