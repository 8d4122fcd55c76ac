import { StenoError } from '../runtime/errors.ts';
import type { RoleContext, RunningRole } from '../runtime/role.ts';
import type { Database } from '../storage/database.ts';
import type { EventLog } from '../streams/event-log.ts';
import { openConversations } from './conversations/index.ts';
import { runProjection } from './run-projection.ts';

export type ProjectionPorts = {
  readonly context: RoleContext;
  readonly events: EventLog;
  readonly topics: { readonly conversations: string; readonly deadLetters: string };
  readonly deadLetterPartitions: number;
  readonly prefix: string;
  /** Opened for writing; closed by `stop`. */
  readonly database: Database;
};

const SCRUB_PAUSE_MS = 1_000;

/** Starts the role that keeps the read models. */
export async function startProjections(ports: ProjectionPorts): Promise<RunningRole> {
  const { context, events, database } = ports;
  const { logger, metrics, fail } = context;
  const projection = openConversations(database);
  const labels = { projection: projection.name };
  const folded = metrics.counter('steno_projection_events_total', 'Events folded into a read model.', [
    'projection',
  ]);
  const rebuilds = metrics.counter('steno_projection_rebuilds_total', 'Partitions rebuilt: another log.', [
    'projection',
  ]);
  const scrubber = openScrubber(database, fail);
  const runner = await runProjection({
    events,
    projection,
    database,
    group: `${ports.prefix}-projection-${projection.name}`,
    topic: ports.topics.conversations,
    deadLetters: { topic: ports.topics.deadLetters, partitions: ports.deadLetterPartitions },
    logger,
    onFailure: fail,
    onFolded: (count) => folded.add(labels, count),
    onRebuild: () => rebuilds.add(labels),
    onErased: scrubber.request,
  });
  const lag = (): number => [...runner.lag().values()].reduce((sum, records) => sum + records, 0);
  metrics.gauge('steno_projection_lag_records', 'Records behind the end, as of the last batch.', lag);
  let stopping = false;
  return {
    isReady: () => !stopping,
    facts: () => ({ partitions: runner.assigned().length, lag: lag() }),
    async stop() {
      stopping = true;
      await runner.stop();
      scrubber.stop();
      database.close();
    },
  };
}

/** Takes erased bytes out of the database's files within about a second, however many erasures come. */
function openScrubber(
  database: Database,
  fail: (error: unknown) => void,
): { readonly request: () => void; readonly stop: () => void } {
  // What an earlier process erased just before it died.
  let timer: NodeJS.Timeout | null = setTimeout(scrub, 0);

  function scrub(): void {
    timer = null;
    try {
      if (!database.scrub()) request();
    } catch (error) {
      if (error instanceof StenoError && error.retryable) request();
      else fail(error);
    }
  }

  function request(): void {
    timer ??= setTimeout(scrub, SCRUB_PAUSE_MS);
  }

  return {
    request,
    stop() {
      if (timer === null) return;
      clearTimeout(timer);
      database.scrub();
    },
  };
}
