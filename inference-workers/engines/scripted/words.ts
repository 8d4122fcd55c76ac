/** Words that look like an answer; some are of more than one byte a character, none is split. */
const WORDS =
  `the a of and to in is that it for with as on are this be from or which can by an not but at when one each all more
  answer question model context record event stream answer time order value reason example step result number part
  first next then because while where how every other same small large simple clear known usual possible different
  means shows keeps gives takes makes needs starts ends follows reads writes holds café naïve façade Zürich smörgåsbord
  Ελλάδα Москва 日本語 你好 안녕하세요 ≥ → 🙂 🚀 👩‍👩‍👧 🇨🇭`
    .trim()
    .split(/\s+/);

const SENTENCE_TOKENS = 12;

/** Returns token `index` of the text that belongs to `seed`: the same number, the same token, for ever. */
export function scriptedToken(seed: number, index: number): string {
  const draw = mix(seed, index);
  const word = WORDS[draw % WORDS.length] ?? 'the';
  const place = index % SENTENCE_TOKENS;
  if (place === 0) return `${index === 0 ? '' : ' '}${capital(word)}`;
  return place === SENTENCE_TOKENS - 1 ? ` ${word}.` : ` ${word}`;
}

/** How many tokens the answer of `seed` has when nobody says: 20 to 60. */
export function scriptedLength(seed: number): number {
  return 20 + (mix(seed, 0x7fff_ffff) % 41);
}

/** FNV-1a over UTF-16 units: a 32-bit number for a text. */
export function hashText(text: string): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  return hash >>> 0;
}

/** Splits a text into the scripted engine's tokens: a word with the space in front of it. */
export function splitTokens(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** Counts what `splitTokens` would return, without the pieces. */
export function countTokens(text: string): number {
  let count = 0;
  let inWord = false;
  for (let at = 0; at < text.length; at += 1) {
    const space = isSpace(text.charCodeAt(at));
    if (!space && !inWord) count += 1;
    inWord = !space;
  }
  return text !== '' && !inWord ? count + 1 : count;
}

/** The finalizer of MurmurHash3 over seed and index. */
function mix(seed: number, index: number): number {
  let hash = (seed ^ Math.imul(index + 1, 0x9e37_79b9)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function isSpace(code: number): boolean {
  return code === 32 || (code > 127 ? /\s/.test(String.fromCharCode(code)) : code >= 9 && code <= 13);
}
