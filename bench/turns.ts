import { casesOf, peerNotes, rateFigures } from './peers/peer-figures.ts';
import { atLeast, type Bench, type BenchOptions, type Outcome } from './support/bench.ts';
import { measureRounds, rateOf, type Case } from './support/rounds.ts';
import { usageLines } from './support/usage.ts';
import { withPlatform, type SideBySide } from './support/with-platform.ts';

const IN_FLIGHT = 64;
const SECONDS = 10;
const ROUNDS = 3;

export const turns: Bench = {
  name: 'turns',
  purpose: `streamed turns per second at ${IN_FLIGHT} in flight, 20 tokens each, beside other proxies (T2)`,
  run: (options) => withPlatform(options, IN_FLIGHT, (sides) => measure(options, sides)),
};

async function measure(options: BenchOptions, sides: SideBySide): Promise<Outcome> {
  const ours: Case = { ...sides.ours, inFlight: IN_FLIGHT, rounds: [] };
  const bare: Case = { ...sides.bare, inFlight: IN_FLIGHT, rounds: [] };
  const overHttp = casesOf(sides.peers, [IN_FLIGHT]);
  await measureRounds([ours, bare, ...overHttp], {
    ...options,
    rounds: options.rounds ?? ROUNDS,
    seconds: options.seconds ?? SECONDS,
  });
  const value = rateOf(ours);
  const limit = rateOf(bare);
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
      ...(sides.peers === null ? [] : rateFigures(sides.peers, overHttp, IN_FLIGHT)),
    ],
    notes: [
      `order of the rounds: seed ${options.seed}`,
      ...[ours, bare].flatMap(notesOf),
      ...(sides.peers === null ? [] : peerNotes(sides.peers, overHttp)),
    ],
  };
}

function notesOf({ path, meter, rounds }: Case): readonly string[] {
  const all = rounds.flatMap((result) => result.turns);
  const deltas = all.reduce((sum, turn) => sum + turn.deltas, 0) / all.length;
  return [
    `${path.name}: ${all.length} turns checked, ${deltas.toFixed(1)} deltas per turn`,
    ...(meter === null ? [] : usageLines(path.name, meter.read(), all.length)),
  ];
}
