/**
 * Bounds how many calls may be made again: failing backends are not given more than a share of the calls on top. Five
 * requests pay for one retry; what is not used is kept up to a reserve. Source: retry budgets of Finagle.
 */
export interface RetryBudget {
  /** A request came. */
  deposit(): void;
  /** Takes a retry; false if there is none. */
  withdraw(): boolean;
}

const REQUESTS_PER_RETRY = 5;
const RESERVE = 20;

/** Begins with its reserve. */
export function createRetryBudget(): RetryBudget {
  let paid = RESERVE * REQUESTS_PER_RETRY;
  return {
    deposit() {
      paid = Math.min(RESERVE * REQUESTS_PER_RETRY, paid + 1);
    },
    withdraw() {
      if (paid < REQUESTS_PER_RETRY) return false;
      paid -= REQUESTS_PER_RETRY;
      return true;
    },
  };
}
