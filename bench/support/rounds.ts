import { seededRandom } from '../../test/support/random.ts';
import type { BenchOptions } from './bench.ts';
import { drive, driveOpen, type LoadResult, type Path } from './load.ts';
import { percentile, shuffled, summarise, type Summary } from './statistics.ts';
import type { Meter } from './usage.ts';
import { VoidRun } from './void-run.ts';

/** A path, and what counts the work of its processes. */
export type Side = { readonly path: Path; readonly meter: Meter | null };

/** A side at a load, and what each round brought. */
export type Case = Side & {
  readonly inFlight: number;
  /** Questions a second that come whatever is under way; absent where each client waits for its answer. */
  readonly perSecond?: number;
  readonly rounds: LoadResult[];
};

/** Drives every case once a round, each round in another order, which the seed decides. */
export async function measureRounds(
  cases: readonly Case[],
  options: Pick<BenchOptions, 'say' | 'signal' | 'seed'> & {
    readonly rounds: number;
    readonly seconds: number;
  },
): Promise<void> {
  const { say, signal, seed, rounds, seconds } = options;
  const { share } = seededRandom(seed);
  say(`order of the rounds: seed ${seed}`);
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    for (const item of shuffled(cases, share)) {
      await item.meter?.begin();
      const result =
        item.perSecond === undefined
          ? await drive(item.path, item.inFlight, seconds, signal)
          : await driveOpen(item.path, { perSecond: item.perSecond, random: share }, seconds, signal);
      if (result.turns.length === 0) {
        throw new VoidRun(`${item.path.name} ended no turn within ${seconds} s: --seconds must be more`);
      }
      item.rounds.push(result);
      await item.meter?.end();
    }
  }
}

/**
 * Time to the first token in milliseconds: this percentile of every round. Turns that ended late count, or a slow path
 * would show its fast turns alone.
 */
export function firstTokenOf({ rounds }: Case, share: number): Summary {
  return summarise(
    rounds.map(({ turns, late }) =>
      percentile(
        [...turns, ...late].map(({ firstMs }) => firstMs),
        share,
      ),
    ),
  );
}

/** Turns per second of every round. */
export function rateOf({ rounds }: Case): Summary {
  return summarise(rounds.map(({ turns, seconds }) => turns.length / seconds));
}

/** Turns of these cases, which all were checked. */
export function turnsOf(cases: readonly Case[]): number {
  return cases.reduce(
    (sum, { rounds }) => sum + rounds.reduce((all, { turns, late }) => all + turns.length + late.length, 0),
    0,
  );
}
