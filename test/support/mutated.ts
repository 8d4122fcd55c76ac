import type { Random } from './random.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Returns the text with one character changed, left out or put in; perhaps the same text. */
export function mutated(text: string, random: Random): string {
  const at = random.between(0, text.length - 1);
  const letter = ALPHABET.charAt(random.between(0, ALPHABET.length - 1));
  const kind = random.between(0, 2);
  return text.slice(0, at) + (kind === 1 ? '' : letter) + text.slice(kind === 2 ? at : at + 1);
}
