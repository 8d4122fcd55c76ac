import { resolve } from 'node:path';
import { Argument, Command, Option } from 'commander';
import { exportTopic } from '../replay/export/export-topic.ts';
import type { Manifest } from '../replay/export/manifest.ts';
import { FORMATS, type Format } from '../replay/export/table-files.ts';
import { errorMessage } from '../runtime/errors.ts';
import { datasets, type Dataset } from '../streams/topics.ts';
import { lookAt } from './look-at.ts';
import { instant, plainName } from './option-values.ts';
import { createTerminalProgress } from './terminal-progress.ts';

const HELP = `
One file for each type of event, day (UTC, by the broker's clock) and partition, as folders that DuckDB, Spark and pandas read as a
table: <folder>/<topic>/type=TurnMeasured/date=2026-01-31/003-000000001200.parquet. Parquet has a column for each field, with what
is nested as JSON; JSON lines have the event as it is. log_partition, log_offset and log_time say where it lies.

What is to be read is fixed when an export begins. One that was stopped goes on by the same command, and ends with the same bytes;
one that is complete is left alone. manifest.json lists the files, SHA256SUMS is for "sha256sum --check".

An export holds what it was made of until you delete it: erasing a person on the log does not reach it.

Examples:
  $ steno export turns ./turns --format parquet --from 2026-01-01 --to 2026-02-01
  $ steno export conversations ./acme --tenant acme --types InferenceCompleted,FeedbackGiven --without-pii
  $ cd turns && sha256sum --check SHA256SUMS
  $ duckdb -c "select model, count(*) from 'turns/*/type=TurnMeasured/**/*.parquet' group by 1"

Exit status: 0 complete; 1 failed or stopped; 2 wrong usage; 3 nothing runs.
`;

const named = new Map(
  Object.entries<Dataset>(datasets)
    .filter(([, { events, perPoolAndTier }]) => events.length > 0 && !perPoolAndTier)
    .map(([, dataset]) => [dataset.name, dataset]),
);

type Flags = {
  readonly format: Format;
  readonly from?: number;
  readonly to?: number;
  readonly tenant?: string;
  readonly types?: readonly string[];
  readonly withoutPii: boolean;
  readonly purpose?: string;
  readonly json: boolean;
};

/** `steno export`: a topic as files for analysts. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write a topic to files, by type and day: Parquet or JSON lines, with checksums')
    .addArgument(new Argument('<topic>', 'the topic').choices([...named.keys()]))
    .argument('<folder>', 'a folder that is not there yet, or that of an export that was stopped')
    .addOption(new Option('--format <format>', 'how it is written').choices(FORMATS).default('jsonl'))
    .option('--from <time>', 'from this time on', instant)
    .option('--to <time>', 'before this time', instant)
    .option('--tenant <tenant>', 'of one tenant', plainName)
    .option('--types <types>', 'types of events, with commas', (text) => text.split(','))
    .option(
      '--without-pii',
      'leave fields null that the schemas mark as personal: what people and models wrote',
      false,
    )
    .option('--purpose <words>', 'why you take it, for the record')
    .option('--json', 'what was written, for programs', false)
    .addHelpText('after', HELP)
    .action(run);
}

async function run(topic: string, folder: string, flags: Flags, command: Command): Promise<void> {
  const dataset = named.get(topic);
  if (dataset === undefined) return command.error(`error: no topic ${topic}`);
  const { format, from = null, to = null, tenant = null, withoutPii } = flags;
  const types = flags.types === undefined ? null : [...new Set(flags.types)].sort();
  const unknown = types?.find((type) => !dataset.events.some((event) => event === type));
  if (unknown !== undefined)
    return command.error(`error: --types: ${topic} has no ${unknown}; it has ${dataset.events.join(', ')}`);
  await lookAt(async ({ reading, topicOf, record }) => {
    const name = topicOf(dataset);
    const topicId = await reading.events.log.topicId(name);
    const request = { topic: name, topicId, format, from, to, tenant, types, withoutPii };
    await record({
      ...{ tenantId: tenant ?? '*', correlationId: 'export', purpose: flags.purpose ?? null },
      ...{ action: 'export', resource: resourceOf(name, flags) },
    });
    const step = createTerminalProgress(process.stderr).step(`exporting ${name}`);
    const onProgress = (read: number, all: number): void => step.update(read, all);
    const manifest = await exportTopic({ ...reading, onProgress }, resolve(folder), request).catch(
      (error: unknown) => {
        step.fail(errorMessage(error));
        throw error;
      },
    );
    step.finish();
    process.stdout.write(
      `${flags.json ? JSON.stringify(summaryOf(manifest)) : sentence(manifest, folder)}\n`,
    );
  });
}

/** What is taken, as a query that anybody can read. */
function resourceOf(topic: string, { from, to, types, withoutPii }: Flags): string {
  const query = new URLSearchParams();
  if (from !== undefined) query.set('from', new Date(from).toISOString());
  if (to !== undefined) query.set('to', new Date(to).toISOString());
  if (types !== undefined) query.set('types', types.join(','));
  if (withoutPii) query.set('without-pii', 'true');
  return query.size === 0 ? topic : `${topic}?${query.toString()}`;
}

function summaryOf({ done }: Manifest) {
  const files = done.flatMap((partition) => partition.files);
  return {
    files: files.length,
    records: files.reduce((sum, { records }) => sum + records, 0),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    undecodable: done.reduce((sum, partition) => sum + partition.undecodable, 0),
  };
}

function sentence(manifest: Manifest, folder: string): string {
  const { files, records, bytes, undecodable } = summaryOf(manifest);
  const left = undecodable === 0 ? '' : `; ${undecodable} records that nobody can decode were left out`;
  return `${folder} is complete: ${records} events in ${files} files, ${bytes} bytes${left}`;
}
