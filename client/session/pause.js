const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/**
 * What a close code asks for beside the pause that every lost connection has: 1013, the gateway has too much to do;
 * 4429, this client asked too much. After 1012 (the gateway restarts) the next one is ready at once.
 *
 * @type {Readonly<Record<number, number>>}
 */
const ASKED_FOR_MS = { 1013: 1_000, 4429: 5_000 };

/**
 * How long to wait before the next try: doubled with every round over all gateways that failed, up to ten seconds, of
 * which chance takes up to a half, so that clients that were cut together do not come back together.
 *
 * @param {{ failures: number, gateways?: number, code?: number, random: number }} facts  `failures` in a row before
 *   this one; `random` from 0 to 1
 * @returns {number} milliseconds
 */
export function pauseAfter({ failures, gateways = 1, code = 0, random }) {
  const ceiling = Math.min(FIRST_MS * 2 ** Math.floor(failures / gateways), LONGEST_MS);
  return (ASKED_FOR_MS[code] ?? 0) + Math.round(ceiling * (0.5 + random / 2));
}
