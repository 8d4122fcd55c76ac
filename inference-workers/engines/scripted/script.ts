import type { Directives } from './directives.ts';
import { withoutDirectives } from './directives.ts';
import { hashText, scriptedLength, scriptedToken, splitTokens } from './words.ts';

/** A whole answer, written before its first token is asked for. */
export type Script = {
  readonly length: number;
  token(index: number): string;
};

/** The answer to a question: it follows from the question and the directives alone. */
export function writeScript(question: string, directives: Directives): Script {
  if (directives.echo) {
    const tokens = splitTokens(withoutDirectives(question));
    const length = Math.min(tokens.length, directives.tokens ?? tokens.length);
    return { length, token: (index) => tokens[index] ?? '' };
  }
  const seed = hashText(question) ^ directives.seed;
  return { length: directives.tokens ?? scriptedLength(seed), token: (index) => scriptedToken(seed, index) };
}

/** The token after the prefix; a prefix that this script never wrote counts by its tokens. */
export function startOf(script: Script, prefix: string, prefixTokens: number): number {
  let length = 0;
  for (let index = 0; index < script.length; index += 1) {
    if (length === prefix.length) return index;
    const token = script.token(index);
    if (!prefix.startsWith(token, length)) return Math.min(prefixTokens, script.length);
    length += token.length;
  }
  return script.length;
}
