import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';

/** How often the write-ahead log is carried over into the database file. */
const EVERY_MS = 1_000;

/**
 * Body of a thread that checkpoints one database. A checkpoint waits for the disk, up to hundreds of milliseconds on a
 * slow one; here it blocks nobody: PASSIVE goes on as far as it can beside readers and the writer.
 * Source: SQLite documentation, "Write-Ahead Logging", "Checkpointing".
 */
const file: unknown = workerData;
if (typeof file !== 'string') throw new TypeError('the thread was given no file');
const database = new DatabaseSync(file, { timeout: 0 });
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
setInterval(() => checkpoint.get(), EVERY_MS);
