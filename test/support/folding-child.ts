import { foldInThreads } from '../../cli/projections/fold-in-threads.ts';
import { projections } from '../../projections/catalogue.ts';
import { parseConfig } from '../../runtime/config.ts';
import { connectEvents } from '../../streams/kafka/connect.ts';
import { openGenerationStore } from '../../storage/sqlite/generations.ts';

/** What the program below is told, as JSON in its first argument. */
export type FoldingTask = {
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly projection: string;
  readonly until: readonly (readonly [number, number])[];
  readonly mostEvents: number;
  readonly threads: number;
};

/** A program that folds into the first generation and says on its standard output how many records each commit passed. */
// Written by cut-fold.ts.
const task = JSON.parse(process.argv[2] ?? '{}') as FoldingTask;
const definition = projections.find(({ name }) => name === task.projection);
if (definition === undefined) throw new Error(`no projection ${task.projection}`);
const config = parseConfig(task.env);
const events = await connectEvents(config, 'folding', ['small']);
await foldInThreads({
  config,
  pools: ['small'],
  events,
  folder: task.folder,
  definition,
  generations: openGenerationStore(task.folder).of(definition.name, definition.version),
  generation: 1,
  until: new Map(task.until),
  threads: task.threads,
  mostEvents: task.mostEvents,
  signal: new AbortController().signal,
  onProgress: (records) => process.stdout.write(`${records}\n`),
});
await events.log.close();
