import { performance } from 'node:perf_hooks';
import { findPersonal, PERSONAL_KINDS } from '../policies/personal-data/recognise.ts';
import {
  atLeast,
  atMost,
  type Bench,
  type BenchOptions,
  type Figure,
  type Outcome,
} from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { bearer, writeKeysFile } from './support/keys-file.ts';
import { drive } from './support/load.ts';
import { startBenchPlatform } from './support/platform.ts';
import { writeQuestions } from './support/questions.ts';
import { firstTokenOf, measureRounds, rateOf, turnsOf, type Case } from './support/rounds.ts';
import { openSocketPath } from './support/socket-path.ts';

/** Two tenants of one installation, one of them with everything kept out of its texts: what that costs. */

const ROUNDS = 8;
const SECONDS = 3;
const MOST_IN_FLIGHT = 64;
const WARM_SECONDS = 8;
/** Characters of a long message. */
const LONG = 4_000;

export const guards: Bench = {
  name: 'guards',
  purpose: 'first token and turns per second of a tenant with guard rails, beside one without (T1, T2)',
  run,
};

async function run(options: BenchOptions): Promise<Outcome> {
  const { say, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  say('starting broker, registry and roles');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  const file = await writeKeysFile({
    plain: {},
    guarded: { guards: { redact_before_record: PERSONAL_KINDS, redact_before_model: PERSONAL_KINDS } },
  });
  cleanup.defer(() => file.close());
  const { platform } = await startBenchPlatform(cluster, options, file.env);
  cleanup.defer(() => platform.stop());
  const questions = await writeQuestions();
  const cases: { readonly [Name in 'plain' | 'guarded']: Case[] } = { plain: [], guarded: [] };
  for (const name of ['plain', 'guarded'] as const) {
    const path = await openSocketPath(platform.url(), MOST_IN_FLIGHT, questions, bearer(file.keys[name]));
    cleanup.defer(() => path.close());
    for (const inFlight of [1, MOST_IN_FLIGHT])
      cases[name].push({ path: { ...path, name }, meter: null, inFlight, rounds: [] });
  }
  say('warming up');
  for (const [, one] of Object.values(cases))
    if (one !== undefined) await drive(one.path, MOST_IN_FLIGHT, WARM_SECONDS, signal);
  const all = [...cases.plain, ...cases.guarded];
  await measureRounds(all, {
    ...options,
    rounds: options.rounds ?? ROUNDS,
    seconds: options.seconds ?? SECONDS,
  });
  return {
    figures: cases.guarded.flatMap((item, index) => figuresOf(item, cases.plain[index])),
    notes: [
      `order of the rounds: seed ${options.seed}`,
      `${turnsOf(all)} turns checked`,
      `a text of ${LONG} characters is looked through for everything in ${microsPerText().toFixed(0)} µs`,
    ],
  };
}

function figuresOf(guarded: Case, plain: Case | undefined): readonly Figure[] {
  if (plain === undefined) return [];
  const without = (value: ReturnType<typeof rateOf>): Figure['limit'] => ({ name: 'without guards', value });
  if (guarded.inFlight === 1) {
    const [ours, theirs] = [firstTokenOf(guarded, 0.5), firstTokenOf(plain, 0.5)];
    return [
      {
        ...{ what: 'time to first token, 1 in flight, p50', unit: 'ms', ours, limit: without(theirs) },
        targets: [atMost('must', '<= 1.1x without', ours.median, 1.1 * theirs.median)],
      },
    ];
  }
  const [ours, theirs] = [rateOf(guarded), rateOf(plain)];
  return [
    {
      ...{ what: `turns, ${guarded.inFlight} in flight`, unit: 'turns/s', ours, limit: without(theirs) },
      targets: [atLeast('must', '>= 0.9x without', ours.median, 0.9 * theirs.median)],
    },
  ];
}

/** Prose, with here and there what might be somebody's. */
function microsPerText(): number {
  const sentence =
    'On 12.03.2024 the order 4155550132 of 3 parts (v1.2.3) left, see https://example.org/a@b. ';
  const text = sentence.repeat(Math.ceil(LONG / sentence.length)).slice(0, LONG);
  const kinds = new Set(PERSONAL_KINDS);
  const runs = 500;
  for (let run = 0; run < runs; run += 1) findPersonal(text, kinds);
  const began = performance.now();
  for (let run = 0; run < runs; run += 1) findPersonal(text, kinds);
  return ((performance.now() - began) * 1_000) / runs;
}
