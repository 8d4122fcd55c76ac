import type { RoleContext, RunningRole } from '../runtime/role.ts';
import type { GenerationStore } from '../storage/generations.ts';
import type { EventLog } from '../streams/event-log.ts';
import { projectionGroup } from '../streams/groups.ts';
import { datasets, topicName } from '../streams/topics.ts';
import { projections } from './catalogue.ts';
import { keepProjection, type KeptProjection } from './keep-projection.ts';
import { nameOf, type ProjectionDefinition } from './projection.ts';

export type ProjectionPorts = {
  readonly context: RoleContext;
  readonly events: EventLog;
  /** Databases of the read models. */
  readonly store: GenerationStore;
};

const LOOK_MS = 1_000;

/** Starts the role that keeps the read models. */
export async function startProjections(ports: ProjectionPorts): Promise<RunningRole> {
  const { context, events, store } = ports;
  const { logger, metrics, fail } = context;
  const { topicPrefix } = context.config;
  const folded = metrics.counter('steno_projection_events_total', 'Events folded into a read model.', [
    'projection',
  ]);
  const rebuilds = metrics.counter('steno_projection_rebuilds_total', 'Partitions rebuilt: another log.', [
    'projection',
  ]);

  const starting = projections.map((definition) => {
    const labels = { projection: nameOf(definition) };
    return keepProjection({
      definition,
      generations: store.of(definition.name, definition.version),
      events,
      group: projectionGroup(topicPrefix, nameOf(definition)),
      topic: topicName(topicPrefix, definition.dataset),
      deadLetters: {
        topic: topicName(topicPrefix, datasets.deadLetters),
        partitions: datasets.deadLetters.partitions,
      },
      logger,
      onFailure: fail,
      onFolded: (count) => folded.add(labels, count),
      onRebuild: () => rebuilds.add(labels),
    });
  });
  const kept = await Promise.all(starting);
  metrics.gauges(
    'steno_projection_lag_records',
    'Records behind the end, as of the last batch.',
    ['projection'],
    () => kept.map((each) => ({ labels: { projection: nameOf(each.definition) }, value: each.lag() })),
  );
  const waiting = removeOldVersions(kept, ({ name, version }) => {
    for (const file of store.removeVersionsBefore(name, version))
      logger.info('removed a file of an earlier version of a read model', { projection: name, file });
  });
  let stopping = false;
  return {
    isReady: () => !stopping,
    facts: () => ({
      partitions: kept.reduce((sum, each) => sum + each.partitions(), 0),
      lag: kept.reduce((sum, each) => sum + each.lag(), 0),
    }),
    async stop() {
      stopping = true;
      clearInterval(waiting);
      await Promise.all(kept.map((each) => each.stop()));
    },
  };
}

/** An earlier version may still be read by a gateway that was not replaced yet: until this one has caught up. */
function removeOldVersions(
  kept: readonly KeptProjection[],
  remove: (definition: ProjectionDefinition) => void,
): NodeJS.Timeout {
  const behind = new Set(kept);
  const timer = setInterval(() => {
    for (const each of behind) {
      if (!each.isCaughtUp()) continue;
      behind.delete(each);
      remove(each.definition);
    }
    if (behind.size === 0) clearInterval(timer);
  }, LOOK_MS);
  return timer;
}
