import type { ConfigChange } from '../../schemas/generated/types.ts';

/** Returns what is different between two JSON values, each place by its JSON Pointer (RFC 6901), in the order of their keys. */
export function diffOf(before: unknown, after: unknown, path = ''): readonly ConfigChange[] {
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => diffOf(own(before, key), own(after, key), `${path}/${escaped(key)}`));
  }
  const [was, is] = [jsonOf(before), jsonOf(after)];
  return was === is ? [] : [{ path, before: was, after: is }];
}

/** JSON with its keys in order: equal values, equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : canonicalJson(value);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

function own(value: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
