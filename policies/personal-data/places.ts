/** Where a pattern is found, and the words there. UTF-16 offsets, the end not included. */
export type Place = { readonly words: string; readonly start: number; readonly end: number };

/** All places of a pattern, which has the flag g. A group called `words` is what counts: what stands around it says what it is. */
export function placesOf(pattern: RegExp, text: string): readonly Place[] {
  return [...text.matchAll(pattern)].map((match) => {
    const words = match.groups?.['words'] ?? match[0];
    const start = match.index + match[0].lastIndexOf(words);
    return { words, start, end: start + words.length };
  });
}
