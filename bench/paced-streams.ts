import { writeModels } from '../test/support/models-file.ts';
import { seededRandom } from '../test/support/random.ts';
import {
  atLeast,
  atMost,
  type Bench,
  type BenchOptions,
  type Figure,
  type Outcome,
} from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { runPaced, startTimedServer, type Counted, type PacedRun } from './support/paced-run.ts';
import { startBenchPlatform } from './support/platform.ts';
import { writeQuestions } from './support/questions.ts';
import { percentile, shuffled, summarise, type Summary } from './support/statistics.ts';

const STEPS = [100, 250, 500, 1_000];
const PACE_MS = 20;
/** A gap that somebody who reads along sees. */
const GAP_MS = 10 * PACE_MS;
const RAMP_MS = 4_000;
const SECONDS = 6;
const ROUNDS = 2;
/** A pool has twelve request partitions with at most 64 requests under way in each: a thousand answers need two. */
const MODELS = ['paced-a', 'paced-b'];
const STREAMS_PER_MODEL = 500;

export const pacedStreams: Bench = {
  name: 'paced-streams',
  purpose: 'streams of 50 tokens a second held at once without a gap, beside frames sent from timers (T3)',
  run,
};

type Side = {
  readonly name: string;
  readonly url: string;
  readonly processes: readonly Counted[];
  /** What each round brought, by the number of streams. */
  readonly runs: Map<number, PacedRun[]>;
};

async function run(options: BenchOptions): Promise<Outcome> {
  const { say, signal, seed } = options;
  await using cleanup = new AsyncDisposableStack();
  say('starting broker and registry');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  say('starting the roles and the server with timers');
  const models = await writeModels(MODELS.map((id) => ({ id, engine: 'scripted' })));
  cleanup.defer(() => models.remove());
  const { platform, processes } = await startBenchPlatform(cluster, options, {
    STENO_MODELS_FILE: models.path,
    STENO_MODEL: MODELS[0] ?? '',
    STENO_MAX_OPEN_INFERENCES: '2000',
  });
  cleanup.defer(() => platform.stop());
  const second = await platform.start('inference-worker', { STENO_MODEL: MODELS[1] ?? '' });
  const timed = await startTimedServer();
  cleanup.defer(() => timed.close());
  const ours: Side = {
    name: 'steno',
    url: platform.url(),
    processes: [...processes, second, ...cluster.processes],
    runs: new Map(),
  };
  const limit: Side = { name: 'timers', url: timed.url, processes: timed.processes, runs: new Map() };

  const holdMillis = (options.seconds ?? SECONDS) * 1_000;
  const tokens = Math.ceil((RAMP_MS + holdMillis) / PACE_MS);
  const [question] = await writeQuestions(PACE_MS, { tokens, count: 1 });
  const { text, answer } = question ?? { text: '', answer: '' };
  const { share } = seededRandom(seed);
  const order = {
    text,
    answer,
    tokens,
    models: MODELS,
    streamsPerModel: STREAMS_PER_MODEL,
    rampMillis: RAMP_MS,
    holdMillis,
  };
  say('warming up');
  for (const { url, processes: own } of [limit, ours])
    await runPaced({ ...order, url, streams: 100 }, own, signal);
  for (let round = 1; round <= (options.rounds ?? ROUNDS); round += 1) {
    for (const streams of STEPS) {
      for (const side of shuffled([ours, limit], share)) {
        signal.throwIfAborted();
        const result = await runPaced({ ...order, url: side.url, streams }, side.processes, signal);
        side.runs.set(streams, [...(side.runs.get(streams) ?? []), result]);
        say(`round ${round}, ${streams} streams, ${side.name}: ${lineOf(result, holdMillis)}`);
      }
    }
  }
  return outcomeOf(ours, limit, seed, holdMillis);
}

function outcomeOf(ours: Side, limit: Side, seed: number, holdMillis: number): Outcome {
  const held = heldBy(ours);
  const cpuFigures = STEPS.map((streams): Figure => {
    const [own, bare] = [cpuOf(ours, streams), cpuOf(limit, streams)];
    return {
      what: `CPU per token at ${streams} streams, broker included`,
      unit: 'µs',
      ours: own,
      limit: { name: 'server with timers', value: bare },
      targets:
        streams === 1_000
          ? [atMost('moonshot', '<= 1.5x the server with timers', own.median / bare.median, 1.5)]
          : [],
    };
  });
  return {
    figures: [
      {
        what: `streams without a gap over ${GAP_MS} ms`,
        unit: 'streams',
        ours: held,
        limit: { name: 'server with timers', value: heldBy(limit) },
        targets: [
          // The worst round counts.
          atLeast('must', '500 streams', held.min, 500),
          atLeast('moonshot', '1,000 streams', held.min, 1_000),
        ],
      },
      ...cpuFigures,
    ],
    notes: [
      `order of the rounds: seed ${seed}`,
      `one WebSocket a stream; ${STEPS.join(', ')} streams were tried, a token every ${PACE_MS} ms; every token of every answer checked`,
      ...[ours, limit].flatMap(({ name, runs }) =>
        [...runs].flatMap(([streams, results]) =>
          results.map((result) => `${name}, ${streams} streams: ${lineOf(result, holdMillis)}`),
        ),
      ),
    ],
  };
}

/** The most streams of which none had a gap, of every round; none of the steps below may have had one either. */
function heldBy({ runs }: Side): Summary {
  const rounds = runs.get(STEPS[0] ?? 0)?.length ?? 0;
  return summarise(
    Array.from({ length: rounds }, (_, round) => {
      let most = 0;
      for (const streams of STEPS) {
        const gaps = runs.get(streams)?.[round]?.gaps ?? [Number.POSITIVE_INFINITY];
        if (Math.max(...gaps) > GAP_MS) break;
        most = streams;
      }
      return most;
    }),
  );
}

function cpuOf({ runs }: Side, streams: number): Summary {
  return summarise((runs.get(streams) ?? []).map(allCpuOf));
}

function allCpuOf({ cpu }: PacedRun): number {
  return [...cpu].reduce((sum, [name, used]) => (name === 'load generator' ? sum : sum + used), 0);
}

function lineOf(result: PacedRun, holdMillis: number): string {
  const { gaps, cpu, tokensInHold, deltasInHold } = result;
  const perSecond = (count: number): number => Math.round((count * 1_000) / holdMillis);
  const gapped = gaps.filter((gap) => gap > GAP_MS).length;
  return [
    `longest gap p50 ${Math.round(percentile(gaps, 0.5))}, max ${Math.round(Math.max(...gaps))} ms`,
    `${gapped} with a gap`,
    `${perSecond(tokensInHold)} tokens/s in ${perSecond(deltasInHold)} deltas/s`,
    `${allCpuOf(result).toFixed(1)} µs CPU a token (${[...cpu].map(([name, used]) => `${name} ${used.toFixed(1)}`).join(', ')})`,
  ].join('; ');
}
