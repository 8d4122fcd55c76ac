import { atLeast, atMost, type Figure } from '../support/bench.ts';
import { memoryOf } from '../support/process-tree.ts';
import { firstTokenOf, rateOf, turnsOf, type Case, type Side } from '../support/rounds.ts';
import type { Summary } from '../support/statistics.ts';
import { usageLines } from '../support/usage.ts';
import type { PeerSides } from './peer-sides.ts';

const SHARES = [0.5, 0.99] as const;
/** T1: "at least 4x faster than LiteLLM". */
const MOST_OF_LITELLM = 1 / 4;
/** T2: "at least 30x LiteLLM". */
const LEAST_OF_LITELLM = 30;

export function sidesOf({ direct, behind, inside, peers }: PeerSides): readonly Side[] {
  return [direct, behind, inside, ...peers.values()];
}

export function casesOf(sides: PeerSides | null, levels: readonly number[]): readonly Case[] {
  if (sides === null) return [];
  return sidesOf(sides).flatMap((side) => levels.map((inFlight) => ({ ...side, inFlight, rounds: [] })));
}

/**
 * Time to first token that each proxy adds to the backend's own, as the backend's clients see it in the same run. What
 * we add with the engine in our worker is measured against the same.
 */
export function addedFigures(
  sides: PeerSides,
  cases: readonly Case[],
  levels: readonly number[],
): readonly Figure[] {
  return levels.flatMap((inFlight) =>
    SHARES.flatMap((share) => {
      const own = firstTokenOf(find(cases, sides.direct, inFlight), share).median;
      const added = (side: Side): Summary => without(firstTokenOf(find(cases, side, inFlight), share), own);
      return [sides.behind, sides.inside].flatMap((ours) =>
        [...sides.peers].map(([name, peer]): Figure => {
          const value = added(ours);
          const limit = added(peer);
          return {
            what: `added to the backend's first token, ${ours.path.name}, ${inFlight} in flight, p${share * 100}`,
            unit: 'ms',
            ours: value,
            limit: { name, value: limit },
            targets:
              name === 'litellm' && share === 0.5
                ? [atMost('must', '<= 1/4 of litellm', value.median / limit.median, MOST_OF_LITELLM)]
                : [],
          };
        }),
      );
    }),
  );
}

/** Turns per second, ours beside each peer's. */
export function rateFigures(sides: PeerSides, cases: readonly Case[], inFlight: number): readonly Figure[] {
  return [sides.behind, sides.inside].flatMap((ours) =>
    [...sides.peers].map(([name, peer]): Figure => {
      const value = rateOf(find(cases, ours, inFlight));
      const limit = rateOf(find(cases, peer, inFlight));
      return {
        what: `turns per second over HTTP, ${ours.path.name}, ${inFlight} in flight`,
        unit: 'turns/s',
        ours: value,
        limit: { name, value: limit },
        targets:
          name === 'litellm'
            ? [atLeast('must', '>= 30x litellm', value.median / limit.median, LEAST_OF_LITELLM)]
            : [],
      };
    }),
  );
}

/** How the peers were set up, turns checked, and what each side used: CPU time and memory of its processes. */
export function peerNotes(sides: PeerSides, cases: readonly Case[]): readonly string[] {
  const memory = [...sides.peers].map(([name, { pids }]) => {
    const bytes = memoryOf(pids);
    const held = bytes === null ? 'unknown' : `${Math.round(bytes / 1_000_000)} MB`;
    return `${name}: memory of its ${pids.length} processes ${held}`;
  });
  const used = sidesOf(sides).flatMap(({ path, meter }) => {
    const own = cases.filter((item) => item.path === path);
    return [
      `${path.name}: ${turnsOf(own)} turns checked`,
      ...(meter === null ? [] : usageLines(path.name, meter.read(), turnsOf(own))),
    ];
  });
  return [...sides.notes, ...memory, ...used];
}

function find(cases: readonly Case[], { path }: Side, inFlight: number): Case {
  const found = cases.find((item) => item.path === path && item.inFlight === inFlight);
  if (found === undefined) throw new RangeError(`${path.name} was not measured at ${inFlight}`);
  return found;
}

function without({ median, min, max }: Summary, own: number): Summary {
  return { median: median - own, min: min - own, max: max - own };
}
