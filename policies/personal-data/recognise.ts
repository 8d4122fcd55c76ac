import { findCards, findIbans } from './numbers.ts';
import { findAddresses } from './ip-addresses.ts';
import { findKeys } from './keys.ts';
import { findPhones } from './phones.ts';
import { placesOf } from './places.ts';

/** Kinds of personal data that are recognised. */
export const PERSONAL_KINDS = ['email', 'phone', 'card', 'iban', 'ip', 'key'] as const;
export type PersonalKind = (typeof PERSONAL_KINDS)[number];

/** Where a text holds what is personal: UTF-16 offsets, the end not included. */
export type Finding = { readonly kind: PersonalKind; readonly start: number; readonly end: number };

type Span = Pick<Finding, 'start' | 'end'>;

const EMAIL =
  /[\p{L}\p{N}._%+'-]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}{2,}(?![\p{L}\p{N}])/gu;

/** What is surest comes first: where two overlap it is the one that counts. */
const FINDERS: Readonly<Record<PersonalKind, (text: string) => readonly Span[]>> = {
  key: findKeys,
  email: findEmails,
  iban: findIbans,
  card: findCards,
  ip: findAddresses,
  phone: findPhones,
};

/**
 * Finds personal data of these kinds, in the order of the text and without overlaps. How well each kind is found is
 * measured on texts that were labelled by hand (docs/quality.md).
 */
export function findPersonal(text: string, kinds: ReadonlySet<PersonalKind>): readonly Finding[] {
  const found: Finding[] = [];
  for (const [kind, find] of Object.entries(FINDERS) as [PersonalKind, (text: string) => readonly Span[]][]) {
    if (!kinds.has(kind)) continue;
    for (const { start, end } of find(text)) {
      if (found.every((other) => end <= other.start || start >= other.end)) found.push({ kind, start, end });
    }
  }
  return found.sort((one, other) => one.start - other.start);
}

/** Puts the name of its kind in the place of each finding. */
export function redact(text: string, findings: readonly Finding[]): string {
  let redacted = '';
  let at = 0;
  for (const { kind, start, end } of findings) {
    redacted += `${text.slice(at, start)}[${kind}]`;
    at = end;
  }
  return redacted + text.slice(at);
}

function findEmails(text: string): readonly Span[] {
  if (!text.includes('@')) return [];
  // The address of a repository, `git@host:path`, is nobody's.
  return placesOf(EMAIL, text)
    .filter(({ words, end }) => !(words.startsWith('git@') && text[end] === ':'))
    .map(({ words, start, end }) => {
      const quoted = /^['.]+/.exec(words)?.[0].length ?? 0;
      return { start: start + quoted, end };
    });
}
