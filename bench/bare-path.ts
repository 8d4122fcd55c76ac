import { openBarePath } from './support/bare-path.ts';
import type { Bench, BenchOptions, Outcome } from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { drive } from './support/load.ts';
import { percentile, summarise } from './support/statistics.ts';
import { createMeter, usageLines } from './support/usage.ts';

const LEVELS = [1, 16, 64];
const SECONDS = 3;
const ROUNDS = 5;
const WARM_SECONDS = 3;

export const barePath: Bench = {
  name: 'bare-path',
  purpose: 'the limit alone: three hops through the broker, no logic, at 1, 16 and 64 in flight',
  run,
};

async function run(options: BenchOptions): Promise<Outcome> {
  const { signal, say } = options;
  await using cleanup = new AsyncDisposableStack();
  say('starting broker and registry');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  const path = await openBarePath(cluster.kafka, cluster.prefix, Math.max(...LEVELS));
  cleanup.defer(() => path.close());
  await drive(path, Math.max(...LEVELS), WARM_SECONDS, signal);
  const figures: Outcome['figures'][number][] = [];
  const notes: string[] = [];
  for (const inFlight of LEVELS) {
    const meter = createMeter([...path.processes, ...cluster.processes]);
    const rounds = [];
    for (let round = 1; round <= (options.rounds ?? ROUNDS); round += 1) {
      say(`${inFlight} in flight, round ${round}`);
      await meter.begin();
      rounds.push(await drive(path, inFlight, options.seconds ?? SECONDS, signal));
      await meter.end();
    }
    for (const share of [0.5, 0.99]) {
      const ours = summarise(
        rounds.map(({ turns }) =>
          percentile(
            turns.map(({ firstMs }) => firstMs),
            share,
          ),
        ),
      );
      figures.push({
        what: `first token, ${inFlight} in flight, p${share * 100}`,
        unit: 'ms',
        ours,
        limit: null,
        targets: [],
      });
    }
    const rates = summarise(rounds.map(({ turns, seconds }) => turns.length / seconds));
    figures.push({
      what: `turns per second, ${inFlight} in flight`,
      unit: 'turns/s',
      ours: rates,
      limit: null,
      targets: [],
    });
    const count = rounds.reduce((sum, { turns }) => sum + turns.length, 0);
    notes.push(...usageLines(`${inFlight} in flight`, meter.read(), count));
  }
  return { figures, notes };
}
