import { parentPort, workerData } from 'node:worker_threads';
import { projections } from '../../projections/catalogue.ts';
import { foldLog } from '../../projections/fold-log.ts';
import { errorCode, errorMessage, StenoError } from '../../runtime/errors.ts';
import { openGenerationStore } from '../../storage/sqlite/generations.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { topicName } from '../../streams/topics.ts';
import type { FoldTask, ThreadMessage } from './fold-in-threads.ts';
import { writeInTurn } from './write-in-turn.ts';

/** Body of a thread that folds some partitions of a topic into a database. */
// Written by foldInThreads, in this version of the program.
const task = workerData as FoldTask;
const definition = projections.find(({ name }) => name === task.projection);
if (definition === undefined || parentPort === null) throw new TypeError(`no projection ${task.projection}`);
const port = parentPort;
const abort = new AbortController();
port.once('message', () => abort.abort(new StenoError('stopped', 'the rebuild was stopped')));

function tell(message: ThreadMessage): void {
  port.postMessage(message);
}

const events = await connectEvents(task.config, `rebuild-${task.thread}`, task.pools);
const generations = openGenerationStore(task.folder, { cacheMib: task.cacheMib }).of(
  definition.name,
  definition.version,
);
const database = generations.open(task.generation);
try {
  const result = await foldLog({
    events,
    topic: topicName(task.config.topicPrefix, definition.dataset),
    projection: definition.open(database, { alone: true }),
    database,
    unread: definition.unread,
    until: new Map(task.until),
    signal: abort.signal,
    onProgress: (records) => tell({ kind: 'progress', records }),
    inTurn: writeInTurn(task.turns),
    ...(task.mostEvents === undefined ? {} : { mostEvents: task.mostEvents }),
  });
  tell({ kind: 'done', result });
} catch (error) {
  const retryable = error instanceof StenoError && error.retryable;
  tell({ kind: 'failed', code: errorCode(error), message: errorMessage(error), retryable });
} finally {
  database.close();
  await events.log.close();
  port.close();
}
