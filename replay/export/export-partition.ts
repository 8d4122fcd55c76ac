import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { avroOf } from '../../schemas/avro-of.ts';
import type { EventType } from '../../schemas/generated/types.ts';
import { withoutPii, type Redaction } from '../../schemas/without-pii.ts';
import type { LoggedEvent } from '../../streams/event.ts';
import { decodeBatch } from '../../streams/runner/decode-batch.ts';
import { readStretches, type Stretch } from '../../streams/runner/read-stretches.ts';
import type { Reading } from '../of-key.ts';
import type { DonePartition, ExportRequest } from './manifest.ts';
import { seal, UNFINISHED, type WrittenFile } from './row-file.ts';
import { openTable, type TableFile } from './table-files.ts';

type OpenFile = {
  readonly date: string;
  readonly path: string;
  readonly table: TableFile;
  /** Leaves out of an event what is not asked for. */
  readonly redact: Redaction;
  records: number;
};

/**
 * Writes the events of one partition: a file for each type and each day (UTC, by the broker's clock), under
 * `<topic>/type=…/date=…/`, named after its partition and first offset. The same log makes the same bytes.
 */
export async function exportPartition(
  reading: Reading,
  folder: string,
  stretch: Stretch,
  request: ExportRequest,
): Promise<DonePartition> {
  const files: WrittenFile[] = [];
  const open = new Map<EventType, OpenFile>();
  let undecodable = 0;
  const close = async (type: EventType): Promise<void> => {
    const file = open.get(type);
    if (file === undefined) return;
    open.delete(type);
    file.table.finish();
    files.push({ path: file.path, records: file.records, ...(await seal(join(folder, file.path))) });
  };
  const fileOf = async (event: LoggedEvent): Promise<OpenFile> => {
    const { type, partition, offset, time } = event;
    const date = new Date(time).toISOString().slice(0, 10);
    const found = open.get(type);
    if (found?.date === date) return found;
    await close(type);
    const name = `${padded(partition, 3)}-${padded(offset, 12)}.${request.format}`;
    const path = join(request.topic, `type=${type}`, `date=${date}`, name);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const schema = avroOf(type);
    const table = openTable(request.format, join(folder, path), schema);
    const redact = request.withoutPii ? withoutPii(schema) : (data: unknown): unknown => data;
    const opened = { date, path, table, redact, records: 0 };
    open.set(type, opened);
    return opened;
  };
  try {
    await readStretches(reading.events.log, [stretch], {
      name: `export-${stretch.topic}`,
      async onRecords(_place, records) {
        const decoded = await decodeBatch(reading.events, records, reading.signal);
        undecodable += decoded.poison.length;
        for (const event of decoded.events) {
          if (!isWanted(event, request)) continue;
          const { partition, offset, time } = event;
          const file = await fileOf(event);
          file.records += 1;
          // Every event is a record of named fields.
          const data = file.redact(event.data) as Readonly<Record<string, unknown>>;
          file.table.add({ partition, offset, time, data });
        }
      },
      onProgress: reading.onProgress,
      signal: reading.signal,
    });
  } catch (error) {
    for (const { path } of open.values()) rmSync(join(folder, `${path}${UNFINISHED}`), { force: true });
    throw error;
  }
  for (const type of [...open.keys()]) await close(type);
  return { partition: stretch.partition, undecodable, files };
}

function isWanted({ type, data }: LoggedEvent, { tenant, types }: ExportRequest): boolean {
  if (types !== null && !types.includes(type)) return false;
  return tenant === null || ('tenantId' in data && data.tenantId === tenant);
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
