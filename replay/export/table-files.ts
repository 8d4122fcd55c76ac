import { appendFileSync, writeFileSync } from 'node:fs';
import type { SchemaElement } from 'hyparquet';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { plain } from '../../schemas/plain-json.ts';
import type { AvroRecord } from '../../schemas/sources.ts';
import { cellsOf, columnsOf, objectOf, type Cell, type ColumnKind, type Row } from './columns.ts';
import { UNFINISHED } from './row-file.ts';

export const FORMATS = ['jsonl', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

/** A table of rows of one event on its way to a file, which has its name with UNFINISHED until it is sealed. */
export interface TableFile {
  add(row: Row): void;
  /** Writes what is left. The same rows in the same order make the same bytes. */
  finish(): void;
}

/** Rows that are written at once, and the characters of JSON after which it is done earlier. */
const MOST_ROWS = 5_000;
const MOST_CHARACTERS = 8 * 1024 * 1024;

export function openTable(format: Format, file: string, event: AvroRecord): TableFile {
  return format === 'jsonl' ? openJsonLines(file) : openParquet(file, event);
}

/** One JSON object a line. */
function openJsonLines(file: string): TableFile {
  const unfinished = `${file}${UNFINISHED}`;
  writeFileSync(unfinished, '');
  const batch = createBatch<string>((lines) => appendFileSync(unfinished, lines.join('')));
  return {
    add(row) {
      const line = `${JSON.stringify(objectOf(row), (_name, value: unknown) => plain(value))}\n`;
      batch.add(line, line.length);
    },
    finish: () => batch.flush(),
  };
}

/** Apache Parquet, compressed by Snappy: a column for each field, what is nested as JSON. */
function openParquet(file: string, event: AvroRecord): TableFile {
  const columns = columnsOf(event);
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, kind }): SchemaElement => ({
      ...ELEMENTS[kind],
      name,
      repetition_type: 'OPTIONAL',
    })),
  ];
  const writer = new ParquetWriter({
    writer: fileWriter(`${file}${UNFINISHED}`),
    schema,
    createdBy: 'steno',
  });
  const batch = createBatch<readonly Cell[]>((rows) => {
    const columnData = columns.map(({ name }, at) => ({
      name,
      data: rows.map((cells) => cells[at] ?? null),
    }));
    // Files are written synchronously: nothing is to be waited for.
    void writer.write({ columnData, rowGroupSize: rows.length });
  });
  return {
    add(row) {
      const cells = cellsOf(row, columns);
      batch.add(
        cells,
        cells.reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 0), 0),
      );
    },
    finish() {
      batch.flush();
      void writer.finish();
    },
  };
}

/** Gathers items until there are enough of them, or of their characters, to be written at once. */
function createBatch<Item>(write: (items: readonly Item[]) => void): {
  readonly add: (item: Item, characters: number) => void;
  readonly flush: () => void;
} {
  let items: Item[] = [];
  let size = 0;
  const flush = (): void => {
    if (items.length === 0) return;
    write(items);
    items = [];
    size = 0;
  };
  return {
    add(item, characters) {
      items.push(item);
      size += characters;
      if (items.length >= MOST_ROWS || size >= MOST_CHARACTERS) flush();
    },
    flush,
  };
}

/** How Parquet stores each kind: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md */
const ELEMENTS: Readonly<Record<ColumnKind, Omit<SchemaElement, 'name'>>> = {
  boolean: { type: 'BOOLEAN' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  bytes: { type: 'BYTE_ARRAY' },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
};
