import type { Reproducible } from './reproducible.ts';

/** How an answer that is given again compares with the one that was recorded. */
export type Comparison =
  | { readonly type: 'reproduced'; readonly tokens: number }
  | {
      readonly type: 'diverged';
      /** The first token that differs, from 1. */
      readonly token: number;
      /** Where the texts part, in UTF-16 code units. */
      readonly character: number;
      readonly recorded: string;
      readonly now: string;
    };

/** Characters shown of both texts from where they part. */
const SHOWN = 60;

/** Follows an answer while it is given again. */
export type AnswerComparison = {
  /** Takes a piece of `tokens` tokens. False once nothing more needs to be known. */
  readonly take: (text: string, tokens: number) => boolean;
  /** What came out; `finishReason` is null where the answer was not waited for to its end. */
  readonly result: (finishReason: string | null) => Comparison;
};

/** Compares piece by piece with what was recorded, and needs no more than a difference. Pure but for what it has taken. */
export function compareAnswer(recorded: Reproducible['recorded']): AnswerComparison {
  let given = '';
  let tokens = 0;
  let differsAt: number | null = null;
  const diverged = (token: number, character: number): Comparison => ({
    ...{ type: 'diverged', token, character },
    recorded: recorded.text.slice(character, character + SHOWN),
    now: given.slice(character, character + SHOWN),
  });
  return {
    take(text, count) {
      const isBeyond = !recorded.isWhole && given.length + text.length >= recorded.text.length;
      const piece = isBeyond ? text.slice(0, recorded.text.length - given.length) : text;
      const before = given.length;
      given += piece;
      if (recorded.text.startsWith(piece, before)) {
        tokens += count;
        return !isBeyond;
      }
      differsAt = before + commonLength(piece, recorded.text.slice(before));
      return false;
    },
    result(finishReason) {
      if (differsAt !== null) return diverged(tokens + 1, differsAt);
      const isShort = given.length < recorded.text.length;
      const endsOtherwise = recorded.finishReason !== null && recorded.finishReason !== finishReason;
      if (isShort || endsOtherwise) return diverged(tokens + 1, given.length);
      return { type: 'reproduced', tokens };
    },
  };
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}
