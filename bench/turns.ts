import { atLeast, type Bench, type BenchOptions, type Outcome } from './support/bench.ts';
import { drive, type LoadResult, type Path } from './support/load.ts';
import { shuffled, summarise } from './support/statistics.ts';
import { usageLines, type Meter } from './support/usage.ts';
import { withPlatform } from './support/with-platform.ts';

const IN_FLIGHT = 64;
const SECONDS = 10;
const ROUNDS = 3;

export const turns: Bench = {
  name: 'turns',
  purpose: `streamed turns per second at ${IN_FLIGHT} in flight, 20 tokens each (T2)`,
  run: (options) => withPlatform(options, IN_FLIGHT, (sides) => measure(options, [sides.ours, sides.bare])),
};

type Side = { readonly path: Path; readonly meter: Meter };

async function measure(options: BenchOptions, sides: readonly [Side, Side]): Promise<Outcome> {
  const seconds = options.seconds ?? SECONDS;
  const rounds = options.rounds ?? ROUNDS;
  const results = new Map<Side, LoadResult[]>(sides.map((side) => [side, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const side of shuffled(sides, Math.random)) {
      options.say(`round ${round} of ${rounds}: ${side.path.name}`);
      await side.meter.begin();
      const result = await drive(side.path, IN_FLIGHT, seconds, options.signal);
      await side.meter.end();
      results.get(side)?.push(result);
    }
  }
  const rates = (side: Side): readonly number[] => (results.get(side) ?? []).map(rateOf);
  const [ours, bare] = sides;
  const value = summarise(rates(ours));
  const limit = summarise(rates(bare));
  return {
    figures: [
      {
        what: `turns per second at ${IN_FLIGHT} in flight`,
        unit: 'turns/s',
        ours: value,
        limit: { name: 'bare 3-hop path', value: limit },
        targets: [
          atLeast('must', '>= 1,500 turns/s', value.median, 1_500),
          atLeast('moonshot', '>= 4,000 turns/s', value.median, 4_000),
          atLeast('moonshot', '>= half of the bare path', value.median / limit.median, 0.5),
        ],
      },
    ],
    notes: sides.flatMap((side) => notesOf(side, results.get(side) ?? [])),
  };
}

function notesOf({ path, meter }: Side, results: readonly LoadResult[]): readonly string[] {
  const all = results.flatMap((result) => result.turns);
  const deltas = all.reduce((sum, turn) => sum + turn.deltas, 0) / all.length;
  return [
    `${path.name}: ${all.length} turns checked, ${deltas.toFixed(1)} deltas per turn`,
    ...usageLines(path.name, meter.read(), all.length),
  ];
}

function rateOf({ turns: ended, seconds }: LoadResult): number {
  return ended.length / seconds;
}
