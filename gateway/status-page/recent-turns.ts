/** What became of messages, and how fast answers began, over the last minutes. */
export type RecentTurns = {
  readonly seconds: number;
  /** Messages accepted in each interval, oldest first. */
  readonly accepted: readonly number[];
  readonly intervalSeconds: number;
  readonly refused: number;
  /** First tokens by the bound of their bucket in seconds; the last bucket has none. */
  readonly firstTokens: readonly { readonly le: number | null; readonly count: number }[];
};

export interface TurnCounter {
  onOutcome(outcome: 'accepted' | 'refused' | 'unknown'): void;
  onFirstDelta(seconds: number): void;
  read(): RecentTurns;
}

const SECONDS = 300;
const INTERVAL = 5;
const ACCEPTED = 0;
const REFUSED = 1;
const FIRST_BUCKET = 2;

/** Counts by second in a ring; `bounds` are the buckets of the time to the first token, `now` is in seconds. */
export function countTurns(bounds: readonly number[], now: () => number): TurnCounter {
  const width = FIRST_BUCKET + bounds.length + 1;
  const counts = new Uint32Array(SECONDS * width);
  let newest = Math.floor(now());

  function startOf(second: number): number {
    return (((second % SECONDS) + SECONDS) % SECONDS) * width;
  }

  /** Where the counts of this second begin; those of seconds since the last call are emptied. */
  function current(): number {
    const second = Math.floor(now());
    for (let each = Math.max(newest + 1, second - SECONDS + 1); each <= second; each += 1)
      counts.fill(0, startOf(each), startOf(each) + width);
    newest = Math.max(newest, second);
    return startOf(newest);
  }

  function add(column: number): void {
    const index = current() + column;
    counts[index] = (counts[index] ?? 0) + 1;
  }

  /** Counts of a column from `from` seconds into the window on, for `length` seconds. */
  function sum(column: number, from = 0, length = SECONDS): number {
    const oldest = newest - SECONDS + 1;
    let total = 0;
    for (let second = oldest + from; second < oldest + from + length; second += 1)
      total += counts[startOf(second) + column] ?? 0;
    return total;
  }

  return {
    onOutcome: (outcome) => add(outcome === 'accepted' ? ACCEPTED : REFUSED),
    onFirstDelta(seconds) {
      const bucket = bounds.findIndex((bound) => seconds <= bound);
      add(FIRST_BUCKET + (bucket === -1 ? bounds.length : bucket));
    },
    read() {
      current();
      return {
        seconds: SECONDS,
        accepted: Array.from({ length: SECONDS / INTERVAL }, (_, interval) =>
          sum(ACCEPTED, interval * INTERVAL, INTERVAL),
        ),
        intervalSeconds: INTERVAL,
        refused: sum(REFUSED),
        firstTokens: [...bounds, null].map((le, index) => ({ le, count: sum(FIRST_BUCKET + index) })),
      };
    },
  };
}
