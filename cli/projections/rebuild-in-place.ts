import { join } from 'node:path';
import { nameOf, type ProjectionDefinition } from '../../projections/projection.ts';
import { rebuild } from '../../projections/rebuild.ts';
import { StenoError } from '../../runtime/errors.ts';
import { tryLock } from '../../runtime/file-lock.ts';
import { topicName } from '../../streams/topics.ts';
import { foldInThreads } from './fold-in-threads.ts';
import type { OpenInstallation } from './open-installation.ts';
import { createRebuildProgress } from './rebuild-progress.ts';

export type RebuildInPlaceOptions = {
  readonly fresh: boolean;
  readonly threads?: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
};

/** Rebuilds a read model and puts it in place. Returns true if the rows in use were not what the log says. */
export async function rebuildInPlace(
  { config, pools, events, folder, store }: OpenInstallation,
  definition: ProjectionDefinition,
  { fresh, threads, signal, say }: RebuildInPlaceOptions,
): Promise<boolean> {
  const topic = topicName(config.topicPrefix, definition.dataset);
  const generations = store.of(definition.name, definition.version);
  const attempt = await tryLock(join(folder, `${nameOf(definition)}.rebuild.lock`));
  if (!('lock' in attempt)) {
    throw new StenoError('rebuild_running', `another process rebuilds ${definition.name}`, {
      fix: 'wait for it, or stop it',
      facts: { pid: attempt.heldBy },
    });
  }
  try {
    const next = generations.current() + 1;
    if (!fresh && generations.exists(next)) say('going on with a rebuild that was cut short');
    const began = performance.now();
    const ends = await events.log.offsets(topic, 'end');
    const progress = createRebuildProgress(
      ends.reduce((sum, end) => sum + end, 0),
      say,
    );
    const report = await rebuild({
      definition,
      events,
      topic,
      generations,
      fresh,
      signal,
      fold: (generation, until) =>
        foldInThreads({
          config,
          pools,
          events,
          folder,
          definition,
          generations,
          generation,
          until,
          signal,
          onProgress: (records) => progress.add(records),
          ...(threads === undefined ? {} : { threads }),
        }),
    });
    const seconds = (performance.now() - began) / 1_000;
    say(
      `${report.folded} events folded, ${report.skipped} left out, ${report.rows} rows, ${seconds.toFixed(1)} s`,
    );
    if (report.comparison === 'equal') say(`the same as the rows in use: ${report.hash ?? ''}`);
    if (report.comparison === 'not_compared') say('there was nothing of this log to compare with');
    if (report.comparison === 'differs') {
      say('the rows in use were NOT what the log says:');
      say(`  in use   ${report.before ?? ''}`);
      say(`  rebuilt  ${report.hash ?? ''}`);
    }
    for (const file of report.removed) say(`removed ${file}`);
    say(`generation ${report.generation} of ${nameOf(definition)} is in use now`);
    return report.comparison === 'differs';
  } finally {
    attempt.lock.release();
  }
}
