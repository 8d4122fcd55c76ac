/** Turns token ids into pieces of text that never split a character. */
export interface PieceDecoder {
  /** Returns the text that is complete now, "" while a character is still missing bytes. */
  push(token: number): string;
}

type Detokenize = (tokens: readonly number[], before: readonly number[]) => string;

/** A character has at most 4 bytes and a token at least one: what is not whole after that is not UTF-8. */
const MAX_PENDING_TOKENS = 4;
const CONTEXT_TOKENS = 4;

/**
 * Builds the decoder of one answer. `before` are the last tokens in front of it: some tokenizers decide by them
 * whether a space is written.
 */
export function createPieceDecoder(detokenize: Detokenize, before: readonly number[]): PieceDecoder {
  let context = before.slice(-CONTEXT_TOKENS);
  let pending: number[] = [];
  return {
    push(token) {
      pending.push(token);
      const text = detokenize(pending, context);
      if (text.endsWith('\uFFFD') && pending.length < MAX_PENDING_TOKENS) return '';
      context = [...context, ...pending].slice(-CONTEXT_TOKENS);
      pending = [];
      return text;
    },
  };
}
