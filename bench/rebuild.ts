import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { foldInThreads } from '../cli/projections/fold-in-threads.ts';
import { projections } from '../projections/catalogue.ts';
import type { ProjectionDefinition } from '../projections/projection.ts';
import { hashOf } from '../projections/state-hash.ts';
import { parseConfig } from '../runtime/config.ts';
import { openDatabase } from '../storage/sqlite/open-database.ts';
import { openGenerationStore } from '../storage/sqlite/generations.ts';
import { topicName } from '../streams/topics.ts';
import { openGeneratedLog, type GeneratedLog } from '../test/support/generated-log.ts';
import { insertRaw, readRaw } from './projections/raw-limits.ts';
import { atLeast, type Bench, type BenchOptions, type Figure, type Outcome } from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { summarise } from './support/statistics.ts';
import { VoidRun } from './support/void-run.ts';

const EVENTS = 1_000_000;
const ROUNDS = 3;

export const rebuild: Bench = {
  name: 'rebuild',
  purpose: 'events per second of a projection rebuild, beside reading the log and inserting the rows (T4)',
  run,
};

async function run(options: BenchOptions): Promise<Outcome> {
  const { say, seed, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  say('starting broker and registry');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  const generated = await openGeneratedLog(cluster);
  cleanup.defer(() => generated.events.log.close());
  const events = options.events ?? EVENTS;
  say(`appending ${events} generated events on conversations: seed ${seed}`);
  const appended = await generated.append({ seed, events });
  const figures: Figure[] = [];
  const notes: string[] = [`seed ${seed}, ${appended} events on conversations and turns`];
  for (const definition of projections) {
    signal.throwIfAborted();
    const topic = topicName(cluster.prefix, definition.dataset);
    const measured = await measure(options, generated, definition, topic);
    figures.push(figureOf(definition, measured));
    notes.push(
      `${definition.name}: ${measured.records} events to ${measured.rows} rows, state hash ${measured.hash}; ` +
        `reading ${rate(measured.read)}, inserting ${rate(measured.insert)}, rebuilding ${rate(measured.ours)} events/s`,
    );
  }
  return { figures, notes };
}

type Measured = {
  readonly records: number;
  readonly rows: number;
  readonly hash: string;
  /** Events per second, one for each round. */
  readonly ours: readonly number[];
  readonly read: readonly number[];
  readonly insert: readonly number[];
};

async function measure(
  { say, signal, rounds }: BenchOptions,
  { env, events }: GeneratedLog,
  definition: ProjectionDefinition,
  topic: string,
): Promise<Measured> {
  const ends = await events.log.offsets(topic, 'end');
  const records = ends.reduce((sum, end) => sum + end, 0);
  const folder = await mkdtemp(join(tmpdir(), 'steno-rebuild-'));
  const [ours, read, insert]: [number[], number[], number[]] = [[], [], []];
  let found = { hash: '', rows: 0 };
  try {
    for (let round = 1; round <= (rounds ?? ROUNDS); round += 1) {
      say(`${definition.name}, round ${round}`);
      read.push(records / (await readRaw(events, topic, ends, signal)));
      const generations = openGenerationStore(join(folder, String(round))).of(
        definition.name,
        definition.version,
      );
      const began = performance.now();
      const { folded, skipped } = await foldInThreads({
        config: parseConfig(env),
        pools: ['small'],
        events,
        folder: join(folder, String(round)),
        definition,
        generations,
        generation: 1,
        until: new Map(ends.entries()),
        signal,
        onProgress: () => undefined,
      });
      ours.push((records * 1_000) / (performance.now() - began));
      if (folded !== records || skipped !== 0)
        throw new VoidRun(`${folded} of ${records} events were folded`);
      const database = generations.open(1);
      const raw = openDatabase(join(folder, 'raw.db'), { cacheMib: 128 });
      try {
        insert.push(records / insertRaw(definition, database, raw));
        const projection = definition.open(database);
        const hash = hashOf(projection.lines(null));
        if (round > 1 && hash !== found.hash) throw new VoidRun(`round ${round} ended with other rows`);
        if (hashOf(definition.open(raw).lines(null)) !== hash) throw new VoidRun('other rows were inserted');
        found = { hash, rows: projection.count() };
        if (found.rows === 0) throw new VoidRun('no row was made');
      } finally {
        database.close();
        raw.close();
        await rm(folder, { recursive: true, force: true });
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { records, ...found, ours, read, insert };
}

function figureOf(definition: ProjectionDefinition, { ours, read, insert }: Measured): Figure {
  const [value, reading, inserting] = [summarise(ours), summarise(read), summarise(insert)];
  const limit =
    reading.median < inserting.median
      ? { name: 'reading the log', value: reading }
      : { name: 'inserting the same rows', value: inserting };
  return {
    what: `rebuild of ${definition.name}`,
    unit: 'events/s',
    ours: value,
    limit,
    targets: [
      atLeast('must', '>= 60,000 events/s', value.median, 60_000),
      atLeast('must', '>= 0.5 of the slower limit', value.median / limit.value.median, 0.5),
      atLeast('moonshot', '>= 200,000 events/s', value.median, 200_000),
    ],
  };
}

function rate(rounds: readonly number[]): string {
  return Math.round(summarise(rounds).median).toLocaleString('en-US');
}
