import { addedFigures, casesOf, peerNotes } from './peers/peer-figures.ts';
import { atMost, type Bench, type BenchOptions, type Figure, type Outcome } from './support/bench.ts';
import { drive } from './support/load.ts';
import { DELTAS_PER_TURN, measureEngine, writeQuestions } from './support/questions.ts';
import { firstTokenOf, measureRounds, turnsOf, type Case } from './support/rounds.ts';
import { openSocketPath } from './support/socket-path.ts';
import { openSsePath } from './support/sse-path.ts';
import type { Summary } from './support/statistics.ts';
import { usageLines } from './support/usage.ts';
import { withPlatform, type SideBySide } from './support/with-platform.ts';

const LEVELS = [1, 16, 64];
const MOST_IN_FLIGHT = 64;
const SECONDS = 3;
const ROUNDS = 5;
const SHARES = [0.5, 0.99] as const;
/** Between two tokens of a paced answer: 50 a second. */
const PACE_MS = 20;
/** Questions a second that keep so many paced answers streaming. */
const PER_SECOND = (MOST_IN_FLIGHT * 1_000) / (DELTAS_PER_TURN * PACE_MS);
/** Clients for them: far more than ever stream at once, unless the system falls behind. */
const PACED_CLIENTS = 4 * MOST_IN_FLIGHT;

export const firstToken: Bench = {
  name: 'first-token',
  purpose:
    'time to the first token at 1, 16 and 64 in flight, and while 64 answers stream, beside other proxies (T1)',
  run: (options) => withPlatform(options, MOST_IN_FLIGHT, (sides) => measure(options, sides)),
};

async function measure(options: BenchOptions, sides: SideBySide): Promise<Outcome> {
  const [question] = sides.questions;
  const engine = await measureEngine(question ?? { text: '', answer: '' });
  const sse = openSsePath(sides.url, sides.questions, { clients: 1, headers: sides.headers });
  await drive(sse, 1, 1, options.signal);
  const paced = await openSocketPath(sides.url, PACED_CLIENTS, await writeQuestions(PACE_MS), sides.headers);
  const barePaced = sides.bare.path.paced(PACE_MS, PACED_CLIENTS);
  const streaming = { inFlight: MOST_IN_FLIGHT, perSecond: PER_SECOND, meter: null };
  const own: readonly Case[] = [
    ...LEVELS.flatMap((inFlight) => [
      { ...sides.ours, inFlight, rounds: [] },
      { ...sides.bare, inFlight, rounds: [] },
    ]),
    { path: sse, meter: null, inFlight: 1, rounds: [] },
    { ...streaming, path: paced, rounds: [] },
    { ...streaming, path: barePaced, rounds: [] },
  ];
  const overHttp = casesOf(sides.peers, LEVELS);
  await measureRounds([...own, ...overHttp], {
    ...options,
    rounds: options.rounds ?? ROUNDS,
    seconds: options.seconds ?? SECONDS,
  });
  await sse.close();
  await paced.close();

  const bareOf = ({ inFlight, perSecond }: Case): Case | undefined =>
    own.find(
      (item) => item.path.name === 'bare' && item.inFlight === inFlight && item.perSecond === perSecond,
    );
  return {
    figures: [
      ...own
        .filter(({ path }) => path.name !== 'bare')
        .flatMap((item) => figuresOf(item, bareOf(item), engine)),
      ...(sides.peers === null ? [] : addedFigures(sides.peers, overHttp, LEVELS)),
    ],
    notes: [
      `order of the rounds: seed ${options.seed}`,
      `scripted engine called in this process: first token p50 ${ms(engine.p50)}, p99 ${ms(engine.p99)}`,
      ...own.map((item) => `${item.path.name}, ${loadOf(item)}: ${turnsOf([item])} turns checked`),
      ...[sides.ours, sides.bare].flatMap(({ path, meter }) =>
        usageLines(path.name, meter.read(), turnsOf(own.filter((item) => item.path === path))),
      ),
      ...(sides.peers === null ? [] : peerNotes(sides.peers, overHttp)),
    ],
  };
}

/** Added time to first token: the engine's own is subtracted. */
function figuresOf(
  item: Case,
  limit: Case | undefined,
  engine: { readonly p50: number; readonly p99: number },
): readonly Figure[] {
  const { path } = item;
  return SHARES.map((share) => {
    const own = share === 0.5 ? engine.p50 : engine.p99;
    const total = firstTokenOf(item, share);
    const ours = { median: total.median - own, min: total.min - own, max: total.max - own };
    const bare = limit === undefined ? null : firstTokenOf(limit, share);
    return {
      what: `added time to first token, ${path.name}, ${loadOf(item)}, p${share * 100}`,
      unit: 'ms',
      ours,
      limit: bare === null ? null : { name: 'bare 3-hop path', value: bare },
      targets: targetsOf(item, share, ours, bare),
    };
  });
}

function loadOf({ inFlight, perSecond }: Case): string {
  if (perSecond === undefined) return `${inFlight} in flight`;
  return `${inFlight} streaming at ${1_000 / PACE_MS} tokens/s (${perSecond} random arrivals/s)`;
}

function targetsOf(
  { inFlight, perSecond }: Case,
  share: number,
  ours: Summary,
  bare: Summary | null,
): Figure['targets'] {
  if (inFlight === 1 && share === 0.5) {
    return [
      atMost('must', 'p50 <= 3 ms', ours.median, 3),
      atMost('moonshot', 'p50 <= 1.5 ms', ours.median, 1.5),
    ];
  }
  if (inFlight === 1) return [atMost('must', 'p99 <= 15 ms', ours.median, 15)];
  // Clients that wait for their answers measure the rate over again, by Little's law: docs/decisions/0015.
  if (perSecond === undefined || bare === null) return [];
  return [atMost('must', '<= 2x the bare path', ours.median / bare.median, 2)];
}

function ms(value: number): string {
  return `${value.toFixed(3)} ms`;
}
