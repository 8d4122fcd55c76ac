import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { onStopRequest } from '../../cli/on-stop-request.ts';
import { checkEvidence } from '../checker/check.ts';
import { CACHE_DIR } from '../support/cache-dir.ts';
import { knownBad } from './streams/known-bad.ts';
import { nameOf, planRound } from './streams/plan.ts';
import { points } from './streams/points.ts';
import { runRound } from './streams/round.ts';
import { openStage, type Stage } from './streams/stage.ts';
import { addRound, emptyTotals, renderTotals, type Totals } from './streams/totals.ts';

const HELP = `npm run campaign -- [options]

Clients chat over WebSocket, SSE and the Responses API with two gateways and two workers on a real broker, while
processes are killed at random and at named places, frozen, cut off, stopped and told the wrong time. After each round
an independent checker reads every side and holds it against the promises.

  --rounds <n>   rounds to have run in all (default 20); a campaign that was broken off goes on where it stopped
  --seed <n>     decides every round; printed, and another one each time unless told
  --known-bad    instead, the real system with one rule taken out at a time: the checker must find each
  --only <n>     this round alone, such as one that failed; nothing is kept
  --fresh        begin anew instead of going on
  --help         this text

Ends with 1 when a promise was broken; what was seen then lies beside the campaign's state.
`;

/** Messages that a bad system loses never end: nobody waits long for them. */
const BAD_PATIENCE_MS = 12_000;

/** Exit status of what was stopped before its end, as a shell gives it. */
const STOPPED = 130;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 100_000)) },
    only: { type: 'string' },
    fresh: { type: 'boolean', default: false },
    'known-bad': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(HELP);
else process.exitCode = values['known-bad'] ? await runKnownBad() : await main();

async function main(): Promise<number> {
  const seed = Number(values.seed);
  const rounds = Number(values.rounds);
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(rounds) || rounds < 1) {
    process.stderr.write('--seed and --rounds must be whole numbers\n');
    return 2;
  }
  const folder = join(CACHE_DIR, '..', 'campaigns', String(seed));
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'totals.json');
  const kept = values.only === undefined && !values.fresh && existsSync(file);
  // What this program wrote there before.
  let totals = kept ? (JSON.parse(readFileSync(file, 'utf8')) as Totals) : emptyTotals;
  const todo =
    values.only === undefined
      ? Array.from({ length: Math.max(0, rounds - totals.rounds) }, (_, index) => totals.rounds + index)
      : [Number(values.only)];
  const abort = new AbortController();
  onStopRequest(() => abort.abort());
  const began = performance.now();
  const say = (line: string): void =>
    void process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(0).padStart(5)} s  ${line}\n`);
  say(`seed ${seed}, ${todo.length} of ${rounds} rounds to run`);
  const held: { stage: Stage | null } = { stage: null };
  const sizes = new Map<string, number>();
  try {
    for (const round of todo) {
      if (abort.signal.aborted) break;
      held.stage ??= await openStage(say);
      const plan = planRound(seed, round);
      const { evidence, injected } = await runRound(held.stage, plan, seed, sizes);
      const violations = checkEvidence(evidence);
      totals = addRound(totals, evidence, injected, violations);
      const faults = injected.map(({ fault, fired }) => `${nameOf(fault)}${fired ? '' : ' (not met)'}`);
      say(`round ${round}: ${evidence.messages.length} streams; ${faults.join('; ')}`);
      for (const { rule, sentence } of violations) say(`  ${rule} ${sentence}`);
      if (violations.length > 0) {
        writeFileSync(
          join(folder, `round-${round}.json`),
          JSON.stringify({ plan, violations, evidence }, null, 1),
        );
        say(`  repeat it: npm run campaign -- --seed ${seed} --only ${round}`);
        // Whatever is broken must not spoil the next round.
        await held.stage.stop();
        held.stage = null;
        sizes.clear();
      }
      if (values.only === undefined) writeFileSync(file, JSON.stringify(totals, null, 1));
    }
  } finally {
    await held.stage?.stop();
  }
  process.stdout.write(renderTotals(seed, totals, points));
  if (totals.violations > 0) return 1;
  return abort.signal.aborted ? STOPPED : 0;
}

/** The real system with a rule taken out must fail the checker: what nobody would notice, nobody checks. */
async function runKnownBad(): Promise<number> {
  let missed = 0;
  for (const { name, breaks, change, plan } of knownBad) {
    const stage = await openStage((line) => void process.stdout.write(`${line}\n`), change);
    try {
      const { evidence } = await runRound(stage, plan, 1, new Map(), BAD_PATIENCE_MS);
      const broken = [...new Set(checkEvidence(evidence).map(({ rule }) => rule))];
      const isFound = breaks.some((promise) => broken.includes(promise));
      if (!isFound) missed += 1;
      process.stdout.write(
        `${isFound ? 'found' : 'MISSED'}: ${name} (${broken.join(', ') || 'nothing broken'})\n`,
      );
    } finally {
      await stage.stop();
    }
  }
  process.stdout.write(`${knownBad.length - missed} of ${knownBad.length} known-bad systems found\n`);
  return missed > 0 ? 1 : 0;
}
