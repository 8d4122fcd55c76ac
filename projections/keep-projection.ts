import { setTimeout as pause } from 'node:timers/promises';
import { StenoError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Database } from '../storage/database.ts';
import type { Generations } from '../storage/generations.ts';
import { runProjection, type ProjectionOptions } from './run-projection.ts';
import { openScrubber } from './open-scrubber.ts';
import { nameOf, type ProjectionDefinition } from './projection.ts';

export type KeepOptions = Omit<ProjectionOptions, 'projection' | 'database' | 'onErased'> & {
  readonly definition: ProjectionDefinition;
  readonly generations: Generations;
  readonly logger: Logger;
};

/** A read model that is kept up to date. */
export interface KeptProjection {
  readonly definition: ProjectionDefinition;
  /** Partitions that this process folds. */
  partitions(): number;
  /** Records behind the end, as of the last batch of each partition. */
  lag(): number;
  /** True once every partition of this process was seen at its end. */
  isCaughtUp(): boolean;
  stop(): Promise<void>;
}

const LOOK_MS = 1_000;
const OPEN_MS = 10_000;
const OPEN_POLL_MS = 20;

/**
 * Keeps a read model, in whatever generation of its database is in use: when a rebuild has put another one in its place,
 * this one is closed, and the fold goes on in the new one from the positions that lie there.
 */
export async function keepProjection(options: KeepOptions): Promise<KeptProjection> {
  const { definition, generations, logger, onFailure } = options;
  let generation = generations.current();
  let kept = await begin(options, generation);
  let stopping = false;
  let changing: Promise<void> = Promise.resolve();
  let isChanging = false;
  prune();

  async function change(wanted: number): Promise<void> {
    await kept.stop();
    if (stopping) return;
    kept = await begin(options, wanted);
    generation = wanted;
    logger.info('took over a rebuilt read model', { projection: nameOf(definition), generation });
    prune();
  }

  function prune(): void {
    for (const file of generations.prune()) logger.info('removed a file of a replaced read model', { file });
  }

  const timer = setInterval(() => {
    if (isChanging || stopping) return;
    try {
      const wanted = generations.current();
      if (wanted === generation) return;
      isChanging = true;
      changing = change(wanted).then(() => void (isChanging = false), onFailure);
    } catch (error) {
      onFailure(error);
    }
  }, LOOK_MS);

  return {
    definition,
    partitions: () => kept.runner.assigned().length,
    lag: () => sum(kept.runner.lag()),
    isCaughtUp() {
      const lag = kept.runner.lag();
      const assigned = kept.runner.assigned();
      return assigned.length > 0 && sum(lag) === 0 && lag.size > 0;
    },
    async stop() {
      stopping = true;
      clearInterval(timer);
      await changing;
      await kept.stop();
    },
  };
}

async function begin(
  options: KeepOptions,
  generation: number,
): Promise<{
  readonly runner: Awaited<ReturnType<typeof runProjection>>;
  readonly stop: () => Promise<void>;
}> {
  const { database, projection } = await openModel(options, generation);
  const scrubber = openScrubber(database, options.onFailure);
  const runner = await runProjection({
    ...options,
    projection,
    database,
    onErased: scrubber.request,
  });
  let stopped = false;
  return {
    runner,
    async stop() {
      if (stopped) return;
      stopped = true;
      await runner.stop();
      scrubber.stop();
      database.close();
    },
  };
}

/** Another process may be making the same file right now, and a lock is waited for here for some milliseconds only. */
async function openModel(
  { generations, definition }: KeepOptions,
  generation: number,
): Promise<Pick<ProjectionOptions, 'database' | 'projection'>> {
  const started = performance.now();
  for (;;) {
    let database: Database | null = null;
    try {
      database = generations.open(generation);
      return { database, projection: definition.open(database) };
    } catch (error) {
      database?.close();
      const isHeld = error instanceof StenoError && error.retryable && error.code === 'store_unavailable';
      if (!isHeld || performance.now() - started > OPEN_MS) throw error;
      await pause(OPEN_POLL_MS);
    }
  }
}

function sum(lag: ReadonlyMap<string, number>): number {
  return [...lag.values()].reduce((total, records) => total + records, 0);
}
