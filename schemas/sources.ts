import { readFileSync, readdirSync } from 'node:fs';

export type AvroField = {
  readonly name: string;
  readonly type: AvroType;
  readonly doc: string;
  readonly default?: unknown;
  readonly pii?: boolean;
};
export type AvroRecord = {
  readonly type: 'record';
  readonly name: string;
  readonly namespace: string;
  readonly doc: string;
  readonly fields: readonly AvroField[];
};
export type AvroEnum = {
  readonly type: 'enum';
  readonly name: string;
  readonly namespace: string;
  readonly doc: string;
  readonly symbols: readonly string[];
  readonly default: string;
};
export type AvroArray = { readonly type: 'array'; readonly items: AvroType };
export type AvroMap = { readonly type: 'map'; readonly values: AvroType };
export type AvroLogical = { readonly type: 'long'; readonly logicalType: 'timestamp-millis' };
export type AvroNamed = AvroRecord | AvroEnum;
export type AvroType = string | AvroNamed | AvroArray | AvroMap | AvroLogical | readonly AvroType[];

/** Reads every .avsc below `root`/schemas, sorted by name. Throws if one lacks a doc. */
export function loadSchemas(root: string): {
  types: ReadonlyMap<string, AvroNamed>;
  events: readonly AvroRecord[];
} {
  const types = new Map(
    read(`${root}/schemas/types`).map((named) => [`${named.namespace}.${named.name}`, named]),
  );
  const events = read(`${root}/schemas/events`).filter((named) => named.type === 'record');
  for (const named of [...types.values(), ...events]) requireDocs(named);
  return { types, events };
}

/** Returns the schema with every shared type written out where it is first used (registries get no references). */
export function inlineTypes(event: AvroRecord, types: ReadonlyMap<string, AvroNamed>): AvroRecord {
  const seen = new Set<string>();
  const expand = (type: AvroType): AvroType => {
    if (typeof type === 'string') {
      const named = types.get(type);
      if (named === undefined || seen.has(type)) return type;
      seen.add(type);
      return named.type === 'enum' ? named : expandRecord(named);
    }
    if (isUnion(type)) return type.map(expand);
    if (type.type === 'array') return { ...type, items: expand(type.items) };
    if (type.type === 'map') return { ...type, values: expand(type.values) };
    return type;
  };
  const expandRecord = (record: AvroRecord): AvroRecord => ({
    ...record,
    fields: record.fields.map((field) => ({ ...field, type: expand(field.type) })),
  });
  return expandRecord(event);
}

export function isUnion(type: AvroType): type is readonly AvroType[] {
  return Array.isArray(type);
}

function read(folder: string): AvroNamed[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.avsc'))
    .sort()
    .map((file) => {
      // The files are ours and every shape is checked by requireDocs and by avsc when it compiles them.
      return JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as AvroNamed;
    });
}

function requireDocs(named: AvroNamed): void {
  const missing =
    named.type === 'record' ? named.fields.filter((field) => !field.doc).map((field) => field.name) : [];
  if (!named.doc || missing.length > 0) {
    throw new Error(
      `schema ${named.name} lacks a doc${missing.length > 0 ? ` on ${missing.join(', ')}` : ''}`,
    );
  }
}
