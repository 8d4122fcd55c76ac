/** How much two models say the same. Both numbers are shares from 0 to 1. */
export type Agreement = {
  /** Prompts whose answers are the same, character for character, after white space at both ends is cut. */
  readonly identical: number;
  /** Mean over the prompts of `wordOverlap`. */
  readonly overlap: number;
};

/** Compares answers to the same prompts, in the same order. NaN for no prompts. */
export function agreementOf(left: readonly string[], right: readonly string[]): Agreement {
  const pairs = left.map((text, index) => [text.trim(), (right[index] ?? '').trim()] as const);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    identical: mean(pairs.map(([a, b]) => (a === b ? 1 : 0))),
    overlap: mean(pairs.map(([a, b]) => wordOverlap(a, b))),
  };
}

/**
 * ROUGE-L with equal weight of precision and recall: twice the length of the longest common subsequence of words over
 * the words of both texts. 1 for equal words in equal order, 0 for no word in common. Words are runs of letters and
 * digits, case ignored. Two texts without words agree.
 * Source: C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, section 3.1, with beta = 1.
 */
export function wordOverlap(left: string, right: string): number {
  const [a, b] = [wordsOf(left), wordsOf(right)];
  if (a.length + b.length === 0) return 1;
  return (2 * commonLength(a, b)) / (a.length + b.length);
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Length of the longest common subsequence; one row of the table at a time. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row: readonly number[] = Array.from({ length: b.length + 1 }, () => 0);
  for (const word of a) {
    const next = [0];
    for (const [index, other] of b.entries()) {
      const diagonal = row[index] ?? 0;
      next.push(word === other ? diagonal + 1 : Math.max(next[index] ?? 0, row[index + 1] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
