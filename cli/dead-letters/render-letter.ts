import { plain } from '../../schemas/plain-json.ts';
import { printable } from '../printable.ts';
import type { OriginalEvent } from './original-event.ts';
import type { FoundLetter } from './read-letters.ts';

/** Magic byte and schema id: what follows them may be somebody's words. */
const HEAD_BYTES = 5;
const MOST_BYTES = 512;

/** One line a dead letter, and how many there are. */
export function renderList(shown: readonly FoundLetter[], found: number, all: number): string {
  return [...shown.map(lineOf), countOf(shown.length, found, all)].join('\n');
}

export function listJson(shown: readonly FoundLetter[], found: number, all: number): string {
  return JSON.stringify({ all, found, letters: shown.map(fieldsOf) }, null, 2);
}

function lineOf(letter: FoundLetter): string {
  const { id, setAsideAt, topic, partition, offset, group, errorCode, attempts, redrivenAt } = letter;
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  const again = redrivenAt === null ? [] : [`redriven ${time(redrivenAt)}`];
  return [id, time(setAsideAt), `${topic}/${partition}@${offset}`, group, errorCode, tries, ...again]
    .map(printable)
    .join('  ');
}

function countOf(shown: number, found: number, all: number): string {
  if (all === 0) return 'no dead letters';
  const fit = found === all ? '' : `, ${found} that fit`;
  return `${all} dead ${all === 1 ? 'letter' : 'letters'}${fit}${shown === found ? '' : `, the newest ${shown} shown`}`;
}

/** The first bytes as hex: without `content` only those that are nobody's words. */
export function hexLine(value: Buffer, content: boolean): string {
  return value.subarray(0, content ? MOST_BYTES : HEAD_BYTES).toString('hex');
}

/** Everything about one, a fact a line. */
export function renderLetter(letter: FoundLetter, hex: string, event: OriginalEvent): string {
  const { topic, partition, offset, attempts, errorCode, errorClass, redrivenAt, bytes } = letter;
  const more = hex.length < bytes * 2 ? ' …' : '';
  const facts: readonly (readonly [string, string])[] = [
    ['id', letter.id],
    ['set aside', `${time(letter.setAsideAt)} by ${letter.group}`],
    ['error', `${errorCode} (${errorClass}), attempts: ${attempts}`],
    ['redriven', redrivenAt === null ? 'no' : time(redrivenAt)],
    ['original', `${topic}/${partition}@${offset} of ${time(letter.timestamp)}`],
    ['key', letter.key],
    ['schema id', letter.schemaId < 0 ? 'none' : String(letter.schemaId)],
    ['size', `${bytes} bytes`],
    ['bytes', `${hex}${more}`],
    ...letter.originalHeaders.map(([name, value]) => [`header ${name}`, value.toString('utf8')] as const),
    [
      'event',
      event.type === null
        ? `cannot be decoded: ${event.code}: ${event.message}`
        : `${event.type} ${JSON.stringify(event.data, (_name, value: unknown) => plain(value))}`,
    ],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join('\n');
}

export function letterJson(letter: FoundLetter, hex: string, event: OriginalEvent): string {
  return JSON.stringify({ ...fieldsOf(letter), hex, event }, (_name, value: unknown) => plain(value), 2);
}

/** The same with times and headers that a program reads. */
function fieldsOf({ lies: _lies, ...letter }: FoundLetter): Readonly<Record<string, unknown>> {
  return {
    ...letter,
    timestamp: time(letter.timestamp),
    firstFailedAt: time(letter.firstFailedAt),
    setAsideAt: time(letter.setAsideAt),
    redrivenAt: letter.redrivenAt === null ? null : time(letter.redrivenAt),
    originalHeaders: Object.fromEntries(
      letter.originalHeaders.map(([name, value]) => [name, value.toString('utf8')]),
    ),
  };
}

function time(millis: number): string {
  return Number.isFinite(millis) ? new Date(millis).toISOString() : '-';
}
