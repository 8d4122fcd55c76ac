import { isUnion, type AvroNamed, type AvroRecord, type AvroType } from './sources.ts';

/** Takes what the schema marks as personal (`pii`) out of a decoded value, which is left as it is. */
export type Redaction = (value: unknown) => unknown;

/**
 * Returns what leaves every field null that the schema marks as personal, wherever it is nested. Shared types are written out
 * where they are first used. Throws for a personal field that cannot be null.
 */
export function withoutPii(schema: AvroRecord): Redaction {
  return redactionOf(schema, new Map());
}

const unchanged: Redaction = (value) => value;

function redactionOf(type: AvroType, seen: Map<string, Redaction>): Redaction {
  if (typeof type === 'string') return seen.get(type) ?? unchanged;
  if (isUnion(type)) return unionOf(type, seen);
  if (type.type === 'array') {
    const inner = redactionOf(type.items, seen);
    return inner === unchanged ? unchanged : (value) => (Array.isArray(value) ? value.map(inner) : value);
  }
  if (type.type === 'map') {
    const inner = redactionOf(type.values, seen);
    return inner === unchanged ? unchanged : (value) => eachField(value, () => inner);
  }
  if (type.type === 'long') return unchanged;
  const own = type.type === 'enum' ? unchanged : recordOf(type, seen);
  seen.set(nameOf(type), own);
  return own;
}

/** Of what may be null or one other; other unions hold nothing that is nested. */
function unionOf(types: readonly AvroType[], seen: Map<string, Redaction>): Redaction {
  const [only, ...more] = types.filter((type) => type !== 'null').map((type) => redactionOf(type, seen));
  if (only === undefined || only === unchanged) return unchanged;
  if (more.length > 0) throw new Error('a union of several records cannot be redacted');
  return (value) => (value === null ? null : only(value));
}

function recordOf(record: AvroRecord, seen: Map<string, Redaction>): Redaction {
  const fields = new Map<string, Redaction>();
  for (const { name, type, pii } of record.fields) {
    if (pii === true && !(isUnion(type) && type.includes('null')))
      throw new Error(`${nameOf(record)}.${name} is personal and cannot be null`);
    const inner = pii === true ? () => null : redactionOf(type, seen);
    if (inner !== unchanged) fields.set(name, inner);
  }
  return fields.size === 0 ? unchanged : (value) => eachField(value, (name) => fields.get(name));
}

function eachField(value: unknown, redactionFor: (name: string) => Redaction | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]: [string, unknown]) => [
      name,
      (redactionFor(name) ?? unchanged)(field),
    ]),
  );
}

function nameOf({ namespace, name }: AvroNamed): string {
  return `${namespace}.${name}`;
}
