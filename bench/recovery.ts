import { compiledDir } from '../cli/up/roles/role-environment.ts';
import { settings } from '../runtime/settings.ts';
import { openKafkaAdmin } from '../streams/kafka/admin.ts';
import { kafkaOptions } from '../streams/kafka/connect.ts';
import { parseConfig } from '../runtime/config.ts';
import { seededRandom } from '../test/support/random.ts';
import { startPlatform, type Platform } from '../test/support/platform.ts';
import type { RoleProcess } from '../test/support/role-process.ts';
import { until } from '../test/support/until.ts';
import { CACHE_DIR } from '../test/support/cache-dir.ts';
import { atMost, type Bench, type BenchOptions, type Figure, type Outcome } from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { killCases, openFleet, type Fleet, type KillCase } from './support/fleet.ts';
import { writeQuestions, type Question } from './support/questions.ts';
import { openResumingStream } from './support/resuming-stream.ts';
import { percentile, shuffled, summarise } from './support/statistics.ts';
import { readTakeovers, type TakeoverTimes } from './support/takeover-times.ts';
import { VoidRun } from './support/void-run.ts';

const STREAMS = 8;
const ROUNDS = 3;
const PACE_MS = 20;
/** Long enough that answers still stream when the process is lost, and after somebody went on. */
const TOKENS = 150;
/** Every answer has so many tokens when the process is lost. */
const TOKENS_BEFORE = 10;

export const recovery: Bench = {
  name: 'recovery',
  purpose: `time without a token when a gateway or a worker is lost while ${STREAMS} answers stream (T8)`,
  run,
};

/** What a round brought to the answers that hung on the lost process. */
type Round = {
  /** Longest time without a token, in seconds, one for each answer. */
  readonly gaps: readonly number[];
  readonly lostAt: number;
  readonly takeovers: readonly TakeoverTimes[];
};

async function run(options: BenchOptions): Promise<Outcome> {
  const { say, signal, seed } = options;
  await using cleanup = new AsyncDisposableStack();
  say('starting broker and registry');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  say('starting the roles');
  const sessionMillis = settings.find(({ name }) => name === 'STENO_KAFKA_SESSION_MS')?.fallback ?? '';
  const platform = await startPlatform({
    cluster,
    roles: ['processors'],
    env: {
      STENO_CACHE_DIR: CACHE_DIR,
      STENO_KAFKA_SESSION_MS: sessionMillis,
      // As `steno up` has it.
      NODE_COMPILE_CACHE: compiledDir({ cacheDir: CACHE_DIR }),
    },
  });
  cleanup.defer(() => platform.stop());
  const kafka = kafkaOptions(parseConfig(platform.env), 'bench');
  const admin = await openKafkaAdmin(kafka);
  cleanup.defer(() => admin.close());
  const fleet = openFleet(platform, admin);
  for (const partition of ['3', '7']) await fleet.start('gateway', { STENO_REPLY_PARTITION: partition });
  const questions = await writeQuestions(PACE_MS, { tokens: TOKENS, count: STREAMS });
  const rounds = new Map(killCases.map((item) => [item, [] as Round[]]));
  const { share } = seededRandom(seed);
  for (let round = 1; round <= (options.rounds ?? ROUNDS); round += 1) {
    for (const item of shuffled(killCases, share)) {
      signal.throwIfAborted();
      say(`round ${round}: ${item.name}`);
      const result = await loseOne(platform, fleet, item, questions);
      rounds.get(item)?.push(result);
      say(`  longest without a token: ${result.gaps.map((gap) => gap.toFixed(2)).join(', ')} s`);
    }
  }
  return {
    figures: [...rounds].flatMap(([item, results]) => figuresOf(item, results)),
    notes: [
      `order of the rounds: seed ${seed}`,
      `${STREAMS} answers of ${TOKENS} tokens, one every ${PACE_MS} ms, over WebSocket at two gateways; figures are of those that hung on what was lost`,
      `group session time-out ${kafka.sessionMillis} ms, a heartbeat every ${kafka.heartbeatMillis} ms`,
      ...[...rounds].flatMap(([item, results]) => notesOf(item, results)),
    ],
  };
}

/** Lets answers stream, loses a process, and waits until every answer has ended as it must. */
async function loseOne(
  platform: Platform,
  fleet: Fleet,
  item: KillCase,
  questions: readonly Question[],
): Promise<Round> {
  await fleet.haveWorkers(item.workers);
  const gateways = fleet.gateways();
  const addresses = gateways.map(({ address }) => address ?? '');
  const streams = questions.map((question, index) => {
    const first = index % gateways.length;
    const stream = openResumingStream([...addresses.slice(first), ...addresses.slice(0, first)], question);
    return { ...stream, gateway: gateways[first] };
  });
  try {
    await until('every answer streams', () => streams.every((stream) => stream.deltas() >= TOKENS_BEFORE));
    const lost = item.role === 'gateway' ? gateways[0] : await busiest(fleet.workers());
    if (lost === undefined) throw new Error(`no ${item.role} runs`);
    const lostAt = Date.now();
    const [gaps] = await Promise.all([
      Promise.all(streams.map((stream) => stream.ended)),
      item.lose(fleet, lost),
    ]);
    await item.mend(fleet, lost);
    const ids = new Set(streams.map((stream) => stream.inferenceId()));
    const takeovers = await readTakeovers(platform, ids, lostAt);
    const hung = streams.flatMap((stream, index) => {
      const takeover = takeovers.get(stream.inferenceId());
      const gap = gaps[index];
      const isHit =
        item.role === 'gateway'
          ? stream.gateway === lost
          : takeover?.worker.endsWith(`-${lost.pid}`) === true;
      return isHit && gap !== undefined && takeover !== undefined ? [{ gap: gap / 1_000, takeover }] : [];
    });
    if (hung.length === 0) throw new VoidRun(`no answer hung on the lost ${item.role}`);
    return { gaps: hung.map(({ gap }) => gap), lostAt, takeovers: hung.map(({ takeover }) => takeover) };
  } finally {
    for (const stream of streams) stream.close();
  }
}

/** The worker on which most answers hang. */
async function busiest(workers: readonly RoleProcess[]): Promise<RoleProcess | undefined> {
  const loads = await Promise.all(
    workers.map(async (worker) => {
      const text = await (await fetch(`${worker.health}/metrics`)).text();
      return { worker, active: Number(/^steno_worker_slots_active(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1]) };
    }),
  );
  return loads.sort((a, b) => b.active - a.active)[0]?.worker;
}

function figuresOf(item: KillCase, rounds: readonly Round[]): readonly Figure[] {
  const p50 = summarise(rounds.map(({ gaps }) => percentile(gaps, 0.5)));
  const worst = summarise(rounds.map(({ gaps }) => Math.max(...gaps)));
  return [
    { what: `without a token, ${item.name}, p50`, unit: 's', ours: p50, limit: null, targets: [] },
    {
      what: `without a token, ${item.name}, longest`,
      unit: 's',
      ours: worst,
      limit: null,
      targets: [
        // The worst of all rounds counts, not the middle one.
        atMost('must', `<= ${item.must} s`, worst.max, item.must),
        atMost('moonshot', `<= ${item.moonshot} s`, worst.max, item.moonshot),
      ],
    },
  ];
}

function notesOf(item: KillCase, rounds: readonly Round[]): readonly string[] {
  const answers = rounds.reduce((sum, { gaps }) => sum + gaps.length, 0);
  const after = (step: 'replyFence' | 'recordFence' | 'firstDelta'): string => {
    const times = rounds.flatMap(({ lostAt, takeovers }) =>
      takeovers.flatMap((times) => (times[step] === null ? [] : [times[step] - lostAt])),
    );
    return times.length === 0
      ? '-'
      : `${Math.round(percentile(times, 0.5))} (to ${Math.round(Math.max(...times))}) ms`;
  };
  const counted = `${item.name}: ${answers} answers hung on it, all checked`;
  if (item.role === 'gateway') return [counted];
  return [
    `${counted}; after the loss: fence on the reply partition ${after('replyFence')}, ` +
      `on the conversation ${after('recordFence')}, next token ${after('firstDelta')}`,
  ];
}
