import { StenoError } from '../../runtime/errors.ts';

/** SQLite's primary result codes, https://sqlite.org/rescode.html. */
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

type Kind = {
  readonly code: string;
  readonly retryable: boolean;
  readonly text: string;
  readonly fix: string;
};

const busy: Kind = {
  code: 'store_unavailable',
  retryable: true,
  text: 'another process holds the database',
  fix: 'try again; if it lasts, look for a process that holds a transaction open',
};
const refused: Kind = {
  code: 'store_unavailable',
  retryable: true,
  text: 'the database cannot be opened, read or written',
  fix: 'check that the data directory exists, belongs to this user and lies on a healthy local disk',
};
const full: Kind = {
  code: 'store_full',
  retryable: true,
  text: 'the disk of the database is full',
  fix: 'free space on the disk that holds the data directory',
};
const corrupt: Kind = {
  code: 'store_corrupt',
  retryable: false,
  text: 'the file is no database, or a damaged one',
  fix: 'stop every role, move the file and those beside it away and start again: it is rebuilt from the log',
};

const kinds: ReadonlyMap<number, Kind> = new Map([
  [BUSY, busy],
  [LOCKED, busy],
  [PERM, refused],
  [READONLY, refused],
  [IOERR, refused],
  [CANTOPEN, refused],
  [FULL, full],
  [CORRUPT, corrupt],
  [NOTADB, corrupt],
]);

/** Runs what talks to the database and wraps what it throws; a wrong statement is a defect and stays as it is. */
export function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw wrap(file, error);
  }
}

function wrap(file: string, error: unknown): unknown {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  // Extended codes carry the primary one in their low byte.
  const kind = typeof code === 'number' ? kinds.get(code & 0xff) : systemKind(error);
  if (kind === undefined) return error;
  const facts = { file, ...(typeof code === 'number' ? { sqlite: code } : {}) };
  return new StenoError(kind.code, `${kind.text}: ${file}`, {
    retryable: kind.retryable,
    fix: kind.fix,
    facts,
    cause: error,
  });
}

/** Errors of the file system around the database. */
function systemKind(error: unknown): Kind | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  return error.code === 'ENOSPC' || error.code === 'EDQUOT' ? full : refused;
}
