/**
 * What was used of a rate, as of a time in milliseconds. It drains evenly, a minute's limit in a minute: the leaky bucket
 * as a meter (ITU-T I.371, "generic cell rate algorithm"). A limit that changes needs no new state.
 */
export type Rate = { readonly used: number; readonly at: number };

export const unused: Rate = { used: 0, at: 0 };

const MINUTE_MS = 60_000;

/** Returns what still counts of a use at the time `now`. */
export function usedAt({ used, at }: Rate, perMinute: number, now: number): number {
  return Math.max(0, used - (Math.max(0, now - at) * perMinute) / MINUTE_MS);
}

/** Returns the rate after `amount` more were used; a negative amount is given back. */
export function use(rate: Rate, amount: number, perMinute: number, now: number): Rate {
  return { used: Math.max(0, usedAt(rate, perMinute, now) + amount), at: Math.max(rate.at, now) };
}

/**
 * Returns the milliseconds until `amount` fits under the limit; 0 if it does now. What is larger than the limit waits until
 * nothing is in use any more: then it is let in, and what comes after it waits the longer.
 */
export function waitFor(rate: Rate, amount: number, perMinute: number, now: number): number {
  const excess = usedAt(rate, perMinute, now) + Math.min(amount, perMinute) - perMinute;
  return excess <= 0 ? 0 : Math.ceil((excess * MINUTE_MS) / perMinute);
}
