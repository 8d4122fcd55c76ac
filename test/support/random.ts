/** Numbers that a seed decides. */
export interface Random {
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** A number from 0 up to 1. */
  readonly share: () => number;
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One of the items, which must not be none. */
  pick<T>(items: readonly T[]): T;
}

/** Source: mulberry32, Tommy Ettinger, public domain. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    share: next,
    chance: (probability) => next() < probability,
    pick(items) {
      const found = items[Math.floor(next() * items.length)];
      if (found === undefined) throw new RangeError('there is nothing to pick from');
      return found;
    },
  };
}
