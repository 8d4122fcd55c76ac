import { atMost, type Bench, type BenchOptions, type Figure, type Outcome } from './support/bench.ts';
import { drive, type LoadResult, type Path } from './support/load.ts';
import { measureEngine } from './support/questions.ts';
import { openSsePath } from './support/sse-path.ts';
import { percentile, shuffled, summarise, type Summary } from './support/statistics.ts';
import { usageLines, type Meter } from './support/usage.ts';
import { withPlatform, type SideBySide } from './support/with-platform.ts';

const LEVELS = [1, 16, 64];
const MOST_IN_FLIGHT = 64;
const SECONDS = 3;
const ROUNDS = 5;
const SHARES = [0.5, 0.99] as const;

export const firstToken: Bench = {
  name: 'first-token',
  purpose: 'time to the first token over WebSocket at 1, 16 and 64 in flight, and over SSE at 1 (T1)',
  run: (options) => withPlatform(options, MOST_IN_FLIGHT, (sides) => measure(options, sides)),
};

type Case = {
  readonly path: Path;
  readonly meter: Meter | null;
  readonly inFlight: number;
  readonly rounds: LoadResult[];
};

async function measure(options: BenchOptions, sides: SideBySide): Promise<Outcome> {
  const [question] = sides.questions;
  const engine = await measureEngine(question ?? { text: '', answer: '' });
  const sse = openSsePath(sides.url, sides.questions);
  await drive(sse, 1, 1, options.signal);
  const cases: readonly Case[] = [
    ...LEVELS.flatMap((inFlight) => [
      { ...sides.ours, inFlight, rounds: [] },
      { ...sides.bare, inFlight, rounds: [] },
    ]),
    { path: sse, meter: null, inFlight: 1, rounds: [] },
  ];
  const rounds = options.rounds ?? ROUNDS;
  for (let round = 1; round <= rounds; round += 1) {
    options.say(`round ${round} of ${rounds}`);
    for (const item of shuffled(cases, Math.random)) {
      await item.meter?.begin();
      item.rounds.push(await drive(item.path, item.inFlight, options.seconds ?? SECONDS, options.signal));
      await item.meter?.end();
    }
  }
  await sse.close();

  const find = (path: Path, inFlight: number): Case | undefined =>
    cases.find((item) => item.path === path && item.inFlight === inFlight);
  return {
    figures: cases
      .filter(({ path }) => path !== sides.bare.path)
      .flatMap((item) => figuresOf(item, find(sides.bare.path, item.inFlight), engine)),
    notes: [
      `scripted engine called in this process: first token p50 ${ms(engine.p50)}, p99 ${ms(engine.p99)}`,
      ...cases.map(
        ({ path, inFlight, rounds: results }) =>
          `${path.name} at ${inFlight}: ${count(results)} turns checked`,
      ),
      ...[sides.ours, sides.bare].flatMap(({ path, meter }) =>
        usageLines(path.name, meter.read(), turnsOf(cases, path)),
      ),
    ],
  };
}

/** Added time to first token: the engine's own is subtracted. */
function figuresOf(
  item: Case,
  limit: Case | undefined,
  engine: { readonly p50: number; readonly p99: number },
): readonly Figure[] {
  const { path, inFlight } = item;
  return SHARES.map((share) => {
    const own = share === 0.5 ? engine.p50 : engine.p99;
    const total = latencies(item, share);
    const ours = { median: total.median - own, min: total.min - own, max: total.max - own };
    const bare = limit === undefined ? null : latencies(limit, share);
    return {
      what: `added time to first token, ${path.name}, ${inFlight} in flight, p${share * 100}`,
      unit: 'ms',
      ours,
      limit: bare === null ? null : { name: 'bare 3-hop path', value: bare },
      targets: targetsOf(inFlight, share, ours, bare),
    };
  });
}

function targetsOf(inFlight: number, share: number, ours: Summary, bare: Summary | null): Figure['targets'] {
  if (inFlight === 1 && share === 0.5) {
    return [
      atMost('must', 'p50 <= 3 ms', ours.median, 3),
      atMost('moonshot', 'p50 <= 1.5 ms', ours.median, 1.5),
    ];
  }
  if (inFlight === 1) return [atMost('must', 'p99 <= 15 ms', ours.median, 15)];
  if (inFlight !== MOST_IN_FLIGHT || bare === null) return [];
  return [atMost('must', '<= 2x the bare path', ours.median / bare.median, 2)];
}

function latencies({ rounds }: Case, share: number): Summary {
  return summarise(
    rounds.map(({ turns }) =>
      percentile(
        turns.map(({ firstMs }) => firstMs),
        share,
      ),
    ),
  );
}

function turnsOf(cases: readonly Case[], path: Path): number {
  return cases.filter((item) => item.path === path).reduce((sum, item) => sum + count(item.rounds), 0);
}

function count(results: readonly LoadResult[]): number {
  return results.reduce((sum, { turns }) => sum + turns.length, 0);
}

function ms(value: number): string {
  return `${value.toFixed(3)} ms`;
}
