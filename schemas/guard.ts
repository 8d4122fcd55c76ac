import { CodecError } from './codec-error.ts';
import { isUnion, type AvroRecord, type AvroType } from './sources.ts';

/** Walks one value in `bytes` from `at` and returns where it ends. Throws CodecError malformed_record. */
export type Guard = (bytes: Uint8Array, at: number) => number;

/** Most items that blocks of zero-size items may claim: such items cost no bytes, so no length bounds them. */
const MAX_EMPTY_ITEMS = 1024;
const MAX_DEPTH = 32;

/**
 * Compiles a walker for a schema, to be run over bytes of strangers before they are decoded: four bytes can claim
 * an array of a million items. Every length is held against the bytes that are left, and the end against the end.
 * Encoding: Apache Avro 1.12 specification, "Binary Encoding".
 */
export function compileGuard(schema: AvroRecord): Guard {
  const named: Named = { guards: new Map(), open: 0 };
  const walk = compile(schema, named, 0);
  return (bytes, at) => {
    named.open = 0;
    const end = walk(bytes, at);
    if (end !== bytes.length) throw malformed(`${bytes.length - end} bytes follow the record`);
    return end;
  };
}

/** Named types, and how many references to them are open: only through them can a value nest without end. */
type Named = { readonly guards: Map<string, Guard>; open: number };

function compile(type: AvroType, named: Named, depth: number): Guard {
  if (depth > MAX_DEPTH) throw malformed('the schema nests too deep');
  if (typeof type === 'string') return primitive(type, named);
  if (isUnion(type)) return union(type.map((branch) => compile(branch, named, depth + 1)));
  switch (type.type) {
    case 'array':
      return blocks(compile(type.items, named, depth + 1));
    case 'map': {
      const value = compile(type.values, named, depth + 1);
      return blocks((bytes, at) => value(bytes, skipLength(bytes, at)));
    }
    case 'enum':
      named.guards.set(`${type.namespace}.${type.name}`, skipVarint);
      return skipVarint;
    case 'record': {
      const fields: Guard[] = [];
      const record: Guard = (bytes, at) => {
        let position = at;
        for (const field of fields) position = field(bytes, position);
        return position;
      };
      named.guards.set(`${type.namespace}.${type.name}`, record);
      for (const field of type.fields) fields.push(compile(field.type, named, depth + 1));
      return record;
    }
    default:
      return primitive(type.type, named);
  }
}

function primitive(type: string, named: Named): Guard {
  switch (type) {
    case 'null':
      return (_bytes, at) => at;
    case 'boolean':
      return (bytes, at) => within(bytes, at + 1);
    case 'int':
    case 'long':
      return skipVarint;
    case 'float':
      return (bytes, at) => within(bytes, at + 4);
    case 'double':
      return (bytes, at) => within(bytes, at + 8);
    case 'string':
    case 'bytes':
      return skipLength;
    default: {
      const found = named.guards.get(type);
      if (found === undefined) throw malformed(`the schema names the unknown type ${type}`);
      return (bytes, at) => {
        if (++named.open > MAX_DEPTH) throw malformed('the value nests too deep');
        const end = found(bytes, at);
        named.open -= 1;
        return end;
      };
    }
  }
}

function union(branches: readonly Guard[]): Guard {
  return (bytes, at) => {
    const next = skipVarint(bytes, at);
    const branch = branches[readVarint(bytes, at)];
    if (branch === undefined) throw malformed('a union names a branch it does not have');
    return branch(bytes, next);
  };
}

function blocks(item: Guard): Guard {
  return (bytes, at) => {
    let position = at;
    let empty = 0;
    for (;;) {
      let count = readVarint(bytes, position);
      position = skipVarint(bytes, position);
      if (count === 0) return position;
      if (count < 0) {
        count = -count;
        position = skipVarint(bytes, position);
      }
      for (let index = 0; index < count; index += 1) {
        const next = item(bytes, position);
        if (next === position && ++empty > MAX_EMPTY_ITEMS)
          throw malformed('an array claims too many empty items');
        position = next;
      }
    }
  };
}

function skipLength(bytes: Uint8Array, at: number): number {
  const length = readVarint(bytes, at);
  if (length < 0) throw malformed('a length is negative');
  return within(bytes, skipVarint(bytes, at) + length);
}

function skipVarint(bytes: Uint8Array, at: number): number {
  let position = at;
  while (((bytes[position] ?? 0) & 0x80) !== 0) position += 1;
  if (position - at > 9) throw malformed('a number is too long');
  return within(bytes, position + 1);
}

/** Reads a zig-zag number; beyond 2^53 it is only approximate, which is enough to refuse it. */
function readVarint(bytes: Uint8Array, at: number): number {
  let value = 0;
  let factor = 1;
  let position = at;
  let byte: number;
  do {
    byte = bytes[position] ?? 0;
    value += (byte & 0x7f) * factor;
    factor *= 128;
    position += 1;
  } while ((byte & 0x80) !== 0 && position - at < 10);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function within(bytes: Uint8Array, end: number): number {
  if (end > bytes.length) throw malformed('a length goes past the end');
  return end;
}

function malformed(sentence: string): CodecError {
  return new CodecError('malformed_record', sentence);
}
