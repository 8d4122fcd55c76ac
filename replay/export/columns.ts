import { plain } from '../../schemas/plain-json.ts';
import { isUnion, type AvroRecord, type AvroType } from '../../schemas/sources.ts';

/** What a column of a table holds; `json` is text that holds JSON. */
export type ColumnKind = 'boolean' | 'int32' | 'int64' | 'double' | 'string' | 'bytes' | 'timestamp' | 'json';
export type Column = { readonly name: string; readonly kind: ColumnKind };
export type Cell = boolean | number | bigint | string | Uint8Array | Date | null;

/** A row of an export: where the record lies, when the broker appended it (milliseconds since 1970), and its event. */
export type Row = {
  readonly partition: number;
  readonly offset: number;
  readonly time: number;
  readonly data: Readonly<Record<string, unknown>>;
};

const PLACE: readonly Column[] = [
  { name: 'log_partition', kind: 'int32' },
  { name: 'log_offset', kind: 'int64' },
  { name: 'log_time', kind: 'timestamp' },
];

/** Columns of an event's table: its place in the log, then its fields. */
export function columnsOf(event: AvroRecord): readonly Column[] {
  return [...PLACE, ...event.fields.map(({ name, type }) => ({ name, kind: kindOf(type) }))];
}

/** Returns the cells of a row, in the order of `columnsOf`. */
export function cellsOf({ partition, offset, time, data }: Row, columns: readonly Column[]): readonly Cell[] {
  const place: readonly Cell[] = [partition, BigInt(offset), new Date(time)];
  return [...place, ...columns.slice(PLACE.length).map(({ name, kind }) => cellOf(data[name], kind))];
}

/** Returns the row as an object that JSON takes: times in words. */
export function objectOf({ partition, offset, time, data }: Row): object {
  return { log_partition: partition, log_offset: offset, log_time: new Date(time).toISOString(), ...data };
}

function kindOf(type: AvroType): ColumnKind {
  if (isUnion(type)) {
    const [only, ...more] = type.filter((part) => part !== 'null');
    return only === undefined || more.length > 0 ? 'json' : kindOf(only);
  }
  if (typeof type !== 'string') {
    if (type.type === 'long') return 'timestamp';
    return type.type === 'enum' ? 'string' : 'json';
  }
  switch (type) {
    case 'boolean':
    case 'string':
    case 'bytes':
    case 'double':
      return type;
    case 'float':
      return 'double';
    case 'int':
      return 'int32';
    case 'long':
      return 'int64';
    default:
      // A shared type that was written out further up.
      return 'json';
  }
}

function cellOf(value: unknown, kind: ColumnKind): Cell {
  if (value === null || value === undefined) return null;
  if (kind === 'json') return JSON.stringify(value, (_name, part: unknown) => plain(part));
  if (kind === 'timestamp' && typeof value === 'number') return new Date(value);
  if (kind === 'int64' && typeof value === 'number') return BigInt(value);
  // What the schema of the column says it is.
  return value as Cell;
}
