/** What a list of measurements says, in their own unit. */
export type Summary = { readonly median: number; readonly min: number; readonly max: number };

/**
 * Returns the value below or at which a share of the values lies, 0 < share <= 1: the nearest-rank percentile, which
 * is always one of the values. NaN for an empty list.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** Returns the middle value; the mean of the two middle ones of an even number. NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length / 2;
  const low = sorted[Math.ceil(half) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(half)] ?? Number.NaN;
  return (low + high) / 2;
}

/** Returns the median of rounds and how far they spread. */
export function summarise(rounds: readonly number[]): Summary {
  return { median: median(rounds), min: Math.min(...rounds), max: Math.max(...rounds) };
}

/** Returns the items in an order that `random`, numbers from 0 up to 1, decides: every order is equally likely. */
export function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const pool = [...items];
  const result: T[] = [];
  while (pool.length > 0) result.push(...pool.splice(Math.floor(random() * pool.length), 1));
  return result;
}
