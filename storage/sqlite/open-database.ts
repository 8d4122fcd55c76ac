import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { Database, SqlRow, Statement } from '../database.ts';
import { checkHost, claimHost, thisHost, type Host } from './claim-host.ts';
import { guarded } from './store-error.ts';

export type OpenOptions = {
  /** Longest wait for another process's transaction; the event loop stands still meanwhile. */
  readonly busyMillis?: number;
  /** Memory for pages, in MiB. */
  readonly cacheMib?: number;
  /** Which machine this is. */
  readonly host?: Host;
};

const BUSY_MS = 2_000;
const CACHE_MIB = 16;
/** Pages of 4 KiB in the write-ahead log at which the writer itself would checkpoint. */
const WAL_PAGES = 20_000;

/**
 * Opens a database file for reading and writing and makes it, and its folder, if missing. A commit survives the death of
 * the process at once and that of the machine from the next checkpoint on; deleted bytes are overwritten.
 */
export function openDatabase(file: string, options: OpenOptions = {}): Database {
  return guarded(file, () => {
    mkdirSync(dirname(file), { recursive: true });
    claimHost(file, options.host ?? thisHost());
    const handle = new DatabaseSync(file, { timeout: options.busyMillis ?? BUSY_MS });
    try {
      handle.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        PRAGMA secure_delete = ON;
        PRAGMA cache_size = -${(options.cacheMib ?? CACHE_MIB) * 1024};
        PRAGMA wal_autocheckpoint = ${WAL_PAGES};`);
    } catch (error) {
      handle.close();
      throw error;
    }
    const checkpoints = startCheckpoints(file);
    return wrap(
      file,
      () => handle,
      () => {
        checkpoints.stop();
        handle.close();
      },
    );
  });
}

/** Checkpoints in a thread of its own: here they would stop the event loop for as long as the disk takes. */
function startCheckpoints(file: string): { stop(): void } {
  const thread = new Worker(new URL('./checkpoint-thread.ts', import.meta.url), { workerData: file });
  thread.unref();
  // Without the thread the log is still carried over, by the writer, once it is WAL_PAGES long.
  thread.on('error', () => undefined);
  return { stop: () => void thread.terminate() };
}

/**
 * Opens a database file for reading. It may not exist yet: until it does, `hasTable` is false and statements throw
 * `store_unavailable`.
 */
export function openReader(file: string, options: OpenOptions = {}): Database {
  let handle: DatabaseSync | null = null;
  return wrap(
    file,
    () => {
      if (handle === null) {
        checkHost(file, options.host ?? thisHost());
        handle = new DatabaseSync(file, { readOnly: true, timeout: options.busyMillis ?? BUSY_MS });
      }
      return handle;
    },
    () => handle?.close(),
  );
}

function wrap(file: string, open: () => DatabaseSync, close: () => void): Database {
  let closed = false;
  const begin = prepare('BEGIN IMMEDIATE');
  const beginReading = prepare('BEGIN');
  const commit = prepare('COMMIT');
  const tables = prepare(`SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = ?`);

  function prepare(sql: string): Statement {
    let statement: StatementSync | null = null;
    const compiled = (): StatementSync => (statement ??= open().prepare(sql));
    // Every column of ours is text, an integer below 2^53, a real or null: what SqlRow says.
    return {
      run: (...values) => guarded(file, () => Number(compiled().run(...values).changes)),
      get: (...values) => guarded(file, () => (compiled().get(...values) as SqlRow | undefined) ?? null),
      all: (...values) => guarded(file, () => compiled().all(...values) as SqlRow[]),
    };
  }

  function within<T>(opening: Statement, work: () => T): T {
    opening.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      // A full disk may have rolled it back already.
      if (open().isTransaction) open().exec('ROLLBACK');
      throw error;
    }
  }

  return {
    prepare,
    execute(sql) {
      guarded(file, () => open().exec(sql));
    },
    transaction: (work) => within(begin, work),
    snapshot: (work) => within(beginReading, work),
    hasTable(name) {
      return existsSync(file) && tables.get(name) !== null;
    },
    scrub() {
      const row = guarded(file, () => open().prepare('PRAGMA wal_checkpoint(TRUNCATE)').get());
      return row?.['busy'] === 0;
    },
    close() {
      if (closed) return;
      closed = true;
      guarded(file, close);
    },
  };
}
