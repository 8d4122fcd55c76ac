/** How often a recogniser was right, wrong, and blind. */
export type Counts = { readonly found: number; readonly wrong: number; readonly missed: number };

/** A share with its interval. */
export type Share = { readonly value: number; readonly low: number; readonly high: number } | null;

export const nothingCounted: Counts = { found: 0, wrong: 0, missed: 0 };

export function plus(one: Counts, other: Counts): Counts {
  return {
    found: one.found + other.found,
    wrong: one.wrong + other.wrong,
    missed: one.missed + other.missed,
  };
}

/** Of what was said to be there, the share that is. */
export function precisionOf({ found, wrong }: Counts): Share {
  return shareOf(found, found + wrong);
}

/** Of what is there, the share that was found. */
export function recallOf({ found, missed }: Counts): Share {
  return shareOf(found, found + missed);
}

/** 95 % of 1.96 standard deviations; Wilson, "Probable inference, the law of succession, and statistical inference" (1927). */
const Z = 1.96;

/** Returns a share with its Wilson score interval; null of nothing. */
export function shareOf(count: number, total: number): Share {
  if (total === 0) return null;
  const value = count / total;
  const width = 1 + Z ** 2 / total;
  const middle = (value + Z ** 2 / (2 * total)) / width;
  const half = (Z / width) * Math.sqrt((value * (1 - value)) / total + Z ** 2 / (4 * total ** 2));
  return { value, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

export function shareText(share: Share): string {
  if (share === null) return 'nothing';
  const percent = (value: number): string => (value * 100).toFixed(0);
  return `${percent(share.value)} % (${percent(share.low)}–${percent(share.high)})`;
}
