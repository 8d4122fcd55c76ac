import { projections } from '../../projections/catalogue.ts';
import { hashOf } from '../../projections/state-hash.ts';
import { StenoError } from '../../runtime/errors.ts';
import { topicName } from '../../streams/topics.ts';
import type { OpenInstallation } from './open-installation.ts';

/** How a read model is. Positions and ends are sums over the partitions of its topic. */
export type ProjectionStatus = {
  readonly name: string;
  readonly version: number;
  readonly topic: string;
  /** Which of its databases is in use; null if there is none yet. */
  readonly generation: number | null;
  readonly rows: number;
  readonly position: number;
  readonly end: number;
  readonly lag: number;
  /** State hash of all rows; null if it was not asked for. */
  readonly hash: string | null;
  /** Stable code of why it cannot be read. */
  readonly problem: string | null;
};

/** Reads every read model of the installation. */
export async function readProjections(
  { config, events, store }: OpenInstallation,
  withHash: boolean,
): Promise<readonly ProjectionStatus[]> {
  const found: ProjectionStatus[] = [];
  for (const definition of projections) {
    const { name, version } = definition;
    const topic = topicName(config.topicPrefix, definition.dataset);
    const ends = await events.log.offsets(topic, 'end');
    const end = ends.reduce((sum, offset) => sum + offset, 0);
    const nothing = { name, version, topic, generation: null, rows: 0, position: 0, end, lag: end };
    const generations = store.of(name, version);
    const generation = generations.current();
    if (!generations.exists(generation)) {
      found.push({ ...nothing, hash: null, problem: null });
      continue;
    }
    const database = generations.openReader(generation);
    try {
      const projection = definition.open(database);
      found.push(
        database.snapshot(() => {
          const positions = projection.positions.all();
          const position = [...positions.values()].reduce((sum, { next }) => sum + next, 0);
          const lag = ends.reduce(
            (sum, offset, partition) => sum + Math.max(0, offset - (positions.get(partition)?.next ?? 0)),
            0,
          );
          const hash = withHash ? hashOf(projection.lines(null)) : null;
          const rows = projection.count();
          return { ...nothing, generation, rows, position, lag, hash, problem: null };
        }),
      );
    } catch (error) {
      if (!(error instanceof StenoError)) throw error;
      found.push({ ...nothing, generation, hash: null, problem: error.code });
    } finally {
      database.close();
    }
  }
  return found;
}

export function renderList(found: readonly ProjectionStatus[]): string {
  return columns([
    ['name', 'version', 'topic', 'rows'],
    ...found.map(({ name, version, topic, rows }) => [name, `v${version}`, topic, String(rows)]),
  ]);
}

export function renderStatus(found: readonly ProjectionStatus[]): string {
  const lines = found.map(({ name, generation, position, end, lag, rows, problem }) => [
    name,
    generation === null ? '-' : String(generation),
    ...[position, end, lag, rows].map(String),
    problem ?? (generation === null ? 'not built yet' : lag === 0 ? 'at the end' : 'behind'),
  ]);
  const hashes = found.flatMap(({ name, hash }) => (hash === null ? [] : [`${name}  ${hash}`]));
  return [
    columns([['name', 'generation', 'position', 'end', 'lag', 'rows', 'state'], ...lines]),
    ...hashes,
  ].join('\n');
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
