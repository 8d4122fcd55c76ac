import { placesOf, type Place } from './places.ts';

const FOUR = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)/g;
const SIX = /(?<![\w:.])(?:[\da-f]{1,4}:|:){2,7}[\da-f]{0,4}(?![\w:.])/gi;
/** What stands before four numbers that are none. */
const NUMBERING = /\b(?:v|ver|version|release|section|chapter|upgrade|from|to|oid)\.? *$/i;

/** Addresses of the Internet: those that everybody has at home, and versions of programs, are nobody's. */
export function findAddresses(text: string): readonly Place[] {
  return [...placesOf(FOUR, text), ...placesOf(SIX, text)].filter(({ words, start }) => {
    if (words.includes(':')) return isSix(words);
    const before = text.slice(Math.max(0, start - 20), start);
    return isFour(words) && isPublic(words) && !isVersion(words, before);
  });
}

function isFour(address: string): boolean {
  return address.split('.').every((part) => Number(part) <= 255);
}

/** Eight groups, or fewer where `::` stands once (RFC 4291). What is shorter than `a::b` is a time, or code. */
function isSix(address: string): boolean {
  const [head = '', tail, more] = address.split('::');
  if (more !== undefined || address.includes(':::') || address.length < 4) return false;
  const groups = [head, tail ?? ''].flatMap((part) => (part === '' ? [] : part.split(':')));
  if (groups.some((group) => group === '')) return false;
  return tail === undefined ? groups.length === 8 : groups.length >= 2 && groups.length < 8;
}

/** Source of the ranges: RFC 1918, RFC 1122, RFC 3927. */
function isPublic(address: string): boolean {
  return !/^(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|2(?:2[4-9]|[34]\d|5[0-5]))\./.test(
    address,
  );
}

function isVersion(address: string, before: string): boolean {
  const [first = 0] = address.split('.').map(Number);
  return first < 20 && (NUMBERING.test(before) || address.split('.').every((part) => Number(part) < 32));
}
