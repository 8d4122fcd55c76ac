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

type OpenFile = { readonly path: string; readonly table: TableFile; records: number };

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
  const open = new Map<EventType, OpenFile & { readonly date: string }>();
  const redactions = new Map<EventType, Redaction>();
  let undecodable = 0;
  const close = (type: EventType): void => {
    const file = open.get(type);
    if (file === undefined) return;
    open.delete(type);
    file.table.finish();
    files.push({ path: file.path, records: file.records, ...seal(join(folder, file.path)) });
  };
  const fileOf = (event: LoggedEvent): OpenFile => {
    const { type, partition, offset, time } = event;
    const date = new Date(time).toISOString().slice(0, 10);
    const found = open.get(type);
    if (found?.date === date) return found;
    close(type);
    const name = `${padded(partition, 3)}-${padded(offset, 12)}.${request.format}`;
    const path = join(request.topic, `type=${type}`, `date=${date}`, name);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    const table = openTable(request.format, join(folder, path), avroOf(type));
    const opened = { path, table, records: 0, date };
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
          const file = fileOf(event);
          file.records += 1;
          file.table.add({ partition, offset, time, data: dataOf(event, request, redactions) });
        }
      },
      onProgress: reading.onProgress,
      signal: reading.signal,
    });
  } catch (error) {
    for (const { path } of open.values()) rmSync(join(folder, `${path}${UNFINISHED}`), { force: true });
    throw error;
  }
  for (const type of [...open.keys()]) close(type);
  return { partition: stretch.partition, undecodable, files };
}

function isWanted({ type, data }: LoggedEvent, { tenant, types }: ExportRequest): boolean {
  if (types !== null && !types.includes(type)) return false;
  return tenant === null || ('tenantId' in data && data.tenantId === tenant);
}

function dataOf(
  { type, data }: LoggedEvent,
  request: ExportRequest,
  redactions: Map<EventType, Redaction>,
): Readonly<Record<string, unknown>> {
  // Every event is a record of named fields.
  const fields = data as unknown as Readonly<Record<string, unknown>>;
  if (!request.withoutPii) return fields;
  let redact = redactions.get(type);
  if (redact === undefined) {
    redact = withoutPii(avroOf(type));
    redactions.set(type, redact);
  }
  return redact(fields) as Readonly<Record<string, unknown>>;
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
