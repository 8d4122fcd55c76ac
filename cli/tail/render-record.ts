import { isBytes, plain } from '../../schemas/plain-json.ts';
import { printable } from '../printable.ts';
import type { TailRecord } from './tail-record.ts';

/** Fields that say where an event comes from, not what it says: in `--json` they are all there. */
const ENVELOPE = new Set([
  'eventId',
  'occurredAt',
  'causationId',
  'correlationId',
  'producer',
  'tenantId',
  'bodyFingerprint',
  'configVersion',
]);
const HASH = /Hash$/;
/** Longer lists are counted: the sizes of a thousand deltas tell a person nothing. */
const LIST_LENGTH = 8;

/** One line for a person: time, place, type, key, and what the event says. Control characters are shown as escapes. */
export function renderRecord(record: TailRecord): string {
  const { time, partition, offset, type, key, data, error, headers } = record;
  const place = `${partition}@${offset}`.padEnd(9);
  const head = `${time.replace('T', ' ').replace('Z', '')}  ${place}  ${(type ?? 'UNDECODABLE').padEnd(18)}  ${printable(key ?? '-')}`;
  const facts =
    error === undefined
      ? factsOf(data ?? {}, key)
      : [`${error.bytes} bytes`, `${error.code}: ${JSON.stringify(error.message)}`];
  const setAside = Object.entries(headers)
    .filter(([name]) => name.startsWith('dead_letter_'))
    .map(([name, value]) => `${name.slice('dead_letter_'.length)}=${printable(value)}`);
  return [head, ...setAside, ...facts].join('  ');
}

/** One line for a program. Bytes are base64. */
export function recordJson(record: TailRecord): string {
  return JSON.stringify(record, (_name, value: unknown) => plain(value));
}

function factsOf(data: Readonly<Record<string, unknown>>, key: string | null): readonly string[] {
  return Object.entries(data).flatMap(([name, value]) => {
    if (ENVELOPE.has(name) || HASH.test(name) || value === key || isEmpty(value)) return [];
    return [`${name}=${short(value)}`];
  });
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === '' || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && !isBytes(value) && Object.values(value).every(isEmpty);
}

/** Names and numbers as they are, text in quotes, content as its text, everything else as JSON without what is empty. */
function short(value: unknown): string {
  const text = textOf(value);
  if (text !== null) return printable(JSON.stringify(text));
  if (typeof value === 'string') return /^[\w.:|-]+$/.test(value) ? value : printable(JSON.stringify(value));
  if (Array.isArray(value) && value.length > LIST_LENGTH) return `(${value.length} of them)`;
  return printable(
    JSON.stringify(value, (_name, inner: unknown) =>
      isEmpty(inner) ? undefined : (textOf(inner) ?? plain(inner)),
    ),
  );
}

/** The text of a Content, or of a part or a message that holds nothing but text. */
function textOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const fields = Object.entries(value).filter(([name, inner]) => name !== 'type' && !isEmpty(inner));
  const [only] = fields;
  if (fields.length !== 1 || only?.[0] !== 'text') return null;
  return typeof only[1] === 'string' ? only[1] : textOf(only[1]);
}
