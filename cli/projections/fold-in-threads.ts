import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { foldLog, type FoldLogResult } from '../../projections/fold-log.ts';
import type { ProjectionDefinition } from '../../projections/projection.ts';
import type { Config } from '../../runtime/config.ts';
import { StenoError } from '../../runtime/errors.ts';
import type { Generations } from '../../storage/generations.ts';
import { openGenerationStore } from '../../storage/sqlite/generations.ts';
import type { EventLog } from '../../streams/event-log.ts';
import { topicName } from '../../streams/topics.ts';
import { writeInTurn } from './write-in-turn.ts';

/** What a thread is told. */
export type FoldTask = {
  readonly config: Config;
  readonly pools: readonly string[];
  readonly folder: string;
  readonly projection: string;
  readonly generation: number;
  readonly until: readonly (readonly [number, number])[];
  readonly thread: number;
  readonly cacheMib: number;
  readonly mostEvents?: number;
  /** One 32-bit number, 1 while a thread writes. */
  readonly turns: SharedArrayBuffer;
};

/** What a thread tells. */
export type ThreadMessage =
  | { readonly kind: 'progress'; readonly records: number }
  | { readonly kind: 'done'; readonly result: FoldLogResult }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retryable: boolean };

export type FoldInThreadsInput = {
  readonly config: Config;
  readonly pools: readonly string[];
  /** For what this thread folds itself. */
  readonly events: EventLog;
  /** Folder of the read models, and this one's database in it. */
  readonly folder: string;
  readonly definition: ProjectionDefinition;
  readonly generations: Generations;
  readonly generation: number;
  /** Offset at which to end, by partition. */
  readonly until: ReadonlyMap<number, number>;
  readonly threads?: number;
  /** As in FoldLogInput. */
  readonly mostEvents?: number;
  readonly signal: AbortSignal;
  readonly onProgress: (records: number) => void;
};

/** More do not help: only one writes at a time. */
const MOST_THREADS = 4;
const CACHE_MIB = 128;

/** Folds a topic into a generation of a read model, each thread some of its partitions. As `foldLog` otherwise. */
export async function foldInThreads(input: FoldInThreadsInput): Promise<FoldLogResult> {
  const { definition, generations, generation, until, signal } = input;
  signal.throwIfAborted();
  // The tables are made once.
  const database = generations.open(generation);
  definition.open(database);
  database.close();
  const threads = Math.min(input.threads ?? Math.min(availableParallelism(), MOST_THREADS), until.size);
  const turns = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  // The longest partitions are dealt first.
  const sorted = [...until].sort(([, a], [, b]) => b - a);
  const tasks = Array.from({ length: threads }, (_, thread): FoldTask => ({
    config: input.config,
    pools: input.pools,
    folder: input.folder,
    projection: definition.name,
    generation,
    until: sorted.filter((_each, index) => index % threads === thread),
    thread,
    cacheMib: CACHE_MIB,
    turns,
    ...(input.mostEvents === undefined ? {} : { mostEvents: input.mostEvents }),
  }));
  // A thread takes seconds of work to start, so that this one folds too.
  const results = await Promise.allSettled(
    tasks.map((task, thread) => (thread === 0 ? foldHere(input, task) : runThread(input, task))),
  );
  const failed = results.find((result) => result.status === 'rejected');
  // What runThread rejects with is an Error, or the signal's reason.
  if (failed !== undefined) throw failed.reason as Error;
  const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  return {
    folded: done.reduce((sum, { folded }) => sum + folded, 0),
    skipped: done.reduce((sum, { skipped }) => sum + skipped, 0),
    restarted: done.flatMap(({ restarted }) => restarted),
  };
}

async function foldHere(
  { config, definition, events, folder, generation, signal, onProgress }: FoldInThreadsInput,
  task: FoldTask,
): Promise<FoldLogResult> {
  const store = openGenerationStore(folder, { cacheMib: task.cacheMib });
  const database = store.of(definition.name, definition.version).open(generation);
  try {
    return await foldLog({
      events,
      topic: topicName(config.topicPrefix, definition.dataset),
      projection: definition.open(database, { alone: true }),
      unread: definition.unread,
      database,
      until: new Map(task.until),
      signal,
      onProgress,
      inTurn: writeInTurn(task.turns),
      ...(task.mostEvents === undefined ? {} : { mostEvents: task.mostEvents }),
    });
  } finally {
    database.close();
  }
}

function runThread({ signal, onProgress }: FoldInThreadsInput, task: FoldTask): Promise<FoldLogResult> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./fold-thread.ts', import.meta.url), { workerData: task });
    const stop = (): void => thread.postMessage('stop');
    signal.addEventListener('abort', stop);
    let result: FoldLogResult | null = null;
    let failure: unknown = null;
    thread.on('message', (message: ThreadMessage) => {
      if (message.kind === 'progress') onProgress(message.records);
      else if (message.kind === 'done') result = message.result;
      else {
        const { code, message: text, retryable } = message;
        failure = signal.aborted ? (signal.reason as unknown) : new StenoError(code, text, { retryable });
      }
    });
    thread.on('error', (error: unknown) => {
      failure ??= error;
    });
    thread.on('exit', () => {
      signal.removeEventListener('abort', stop);
      if (result !== null) resolve(result);
      else reject(failure instanceof Error ? failure : new Error('a rebuild thread ended early'));
    });
  });
}
