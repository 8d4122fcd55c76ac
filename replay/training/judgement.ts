import type { Explanation } from '../explain/explain.ts';

/** What people made of an answer, all of them together, and the answer that one would have wanted. */
export type Judgement = {
  readonly verdict: 'good' | 'bad' | 'disputed' | 'none';
  readonly correction: string | null;
};

const GOOD_RATING = 4;
const BAD_RATING = 2;

/** Judges by the last word of each person: a thumb, or else a rating of 4 and 5 or of 1 and 2. */
export function judgementOf(feedback: Explanation['feedback']): Judgement {
  const last = new Map(feedback.map((given) => [given.principal, given]));
  const votes = new Set([...last.values()].map(voteOf).filter((vote) => vote !== 0));
  const corrections = [...last.values()].flatMap(({ correction }) => correction?.text ?? []);
  const [only = 0] = votes;
  const verdict = votes.size > 1 ? 'disputed' : only > 0 ? 'good' : only < 0 ? 'bad' : 'none';
  return { verdict, correction: corrections.at(-1) ?? null };
}

function voteOf({ thumb, rating }: Explanation['feedback'][number]): -1 | 0 | 1 {
  if (thumb !== 0) return thumb > 0 ? 1 : -1;
  if (rating === null) return 0;
  return rating >= GOOD_RATING ? 1 : rating <= BAD_RATING ? -1 : 0;
}
