import type { SqlRow, SqlValue } from '../storage/database.ts';

/** How a field lies in its column: as it is, as 0 or 1, or as JSON. */
export type Shape = 'text' | 'integer' | 'boolean' | 'json';

type Column<Row> = {
  readonly field: keyof Row & string;
  readonly name: string;
  readonly type: Shape;
  readonly isNull: boolean;
};

/** Columns in the order in which they are bound, and hashed. The first is the key. */
export type Table<Row> = { readonly name: string; readonly columns: readonly Column<Row>[] };

/** Defines a table: a column for each field, `?` where it may be null. */
export function table<Row>(
  name: string,
  fields: Readonly<Record<keyof Row & string, Shape | `${Shape}?`>>,
): Table<Row> {
  // Object.entries widens the keys, which the record's type has fixed.
  const entries = Object.entries(fields) as [keyof Row & string, string][];
  return {
    name,
    columns: entries.map(([field, shape]) => ({
      field,
      name: field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      type: shape.replace('?', '') as Shape,
      isNull: shape.endsWith('?'),
    })),
  };
}

/** Returns the statement that makes the table. */
export function createTable<Row>({ name, columns }: Table<Row>): string {
  const lines = columns.map(({ name: column, type, isNull }, index) => {
    const kind = type === 'integer' || type === 'boolean' ? 'INTEGER' : 'TEXT';
    return `${column} ${kind}${isNull ? '' : ' NOT NULL'}${index === 0 ? ' UNIQUE' : ''}`;
  });
  return `CREATE TABLE IF NOT EXISTS ${name} (${lines.join(', ')}) STRICT;`;
}

/** Returns the statement that writes a row whole: what `toValues` returns, in its order. */
export function putRow<Row>({ name, columns }: Table<Row>): string {
  const names = columns.map((column) => column.name);
  const updates = names.slice(1).map((column) => `${column} = excluded.${column}`);
  return (
    `INSERT INTO ${name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) ` +
    `ON CONFLICT (${names[0]}) DO UPDATE SET ${updates.join(', ')}`
  );
}

export function toValues<Row>({ columns }: Table<Row>, row: Row): SqlValue[] {
  const values: SqlValue[] = [];
  for (const { field, type } of columns) {
    const value = row[field];
    // The table's definition says which fields are text and numbers.
    if (type === 'text' || type === 'integer' || value === null) values.push(value as SqlValue);
    else if (type === 'boolean') values.push(value === true ? 1 : 0);
    // Most lists are empty.
    else values.push(Array.isArray(value) && value.length === 0 ? '[]' : JSON.stringify(value));
  }
  return values;
}

export function fromRow<Row>({ columns }: Table<Row>, found: SqlRow): Row {
  const row: Record<string, unknown> = {};
  for (const { field, name, type } of columns) {
    const value = found[name] ?? null;
    if (type === 'boolean') row[field] = value === 1;
    else if (type === 'json' && typeof value === 'string') row[field] = JSON.parse(value);
    else row[field] = value;
  }
  // What toValues wrote: the columns are those of the type.
  return row as Row;
}
