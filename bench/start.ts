import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createEngine } from '../inference-workers/engines/create-engine.ts';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { fetchModel } from '../inference-workers/models/fetch-model.ts';
import { startEmbedded } from '../infra/kafka/start-embedded.ts';
import { createLogger } from '../runtime/logger.ts';
import { silentProgress } from '../runtime/progress.ts';
import { atMost, type Bench, type BenchOptions, type Outcome } from './support/bench.ts';
import { CACHE_DIR } from '../test/support/cache-dir.ts';
import { median, summarise } from './support/statistics.ts';
import { startAndAsk, type Started } from './support/steno-up.ts';

const ROUNDS = 3;

export const start: Bench = {
  name: 'start',
  purpose: '`steno up` over a directory that was used before, to the first streamed token (T10)',
  run,
};

type Part = 'broker' | 'registry' | 'model';
const PARTS: readonly Part[] = ['broker', 'registry', 'model'];

async function run(options: BenchOptions): Promise<Outcome> {
  const { say, signal } = options;
  const dataDir = await mkdtemp(join(tmpdir(), 'steno-bench-start-'));
  try {
    say('first start');
    const first = await startAndAsk(dataDir, signal);
    const starts: Started[] = [];
    const parts = new Map<Part, number[]>(PARTS.map((part) => [part, []]));
    const rounds = options.rounds ?? ROUNDS;
    for (let round = 1; round <= rounds; round += 1) {
      say(`round ${round} of ${rounds}: each part alone`);
      for (const part of PARTS) {
        signal.throwIfAborted();
        parts.get(part)?.push(await measurePart(part, dataDir));
      }
      say(`round ${round} of ${rounds}: all of it`);
      starts.push(await startAndAsk(dataDir, signal));
    }
    return outcomeOf(first, starts, parts);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

function outcomeOf(
  first: Started,
  starts: readonly Started[],
  parts: ReadonlyMap<Part, readonly number[]>,
): Outcome {
  const ours = summarise(starts.map(({ firstTokenMs }) => firstTokenMs / 1_000));
  const sums = starts.map((_, round) =>
    PARTS.reduce((sum, part) => sum + (parts.get(part)?.[round] ?? 0), 0),
  );
  const of = (read: (started: Started) => number): string => seconds(median(starts.map(read)));
  return {
    figures: [
      {
        what: 'second start to the first streamed token',
        unit: 's',
        ours,
        limit: { name: 'broker + registry + model, one after the other', value: summarise(sums) },
        targets: [atMost('must', '<= 15 s', ours.median, 15), atMost('moonshot', '<= 8 s', ours.median, 8)],
      },
    ],
    notes: [
      ...PARTS.map((part) => `${part} alone: ${seconds(1_000 * median(parts.get(part) ?? []))}`),
      `ready after ${of(({ readyMs }) => readyMs)}, stopped in ${of(({ stopMs }) => stopMs)}`,
      `first start over an empty directory, downloads there already: ${seconds(first.firstTokenMs)}`,
      `${first.processes} processes ran and none was left`,
    ],
  };
}

/** Seconds until a part serves when it is started alone over the same data. */
async function measurePart(part: Part, dataDir: string): Promise<number> {
  const logger = createLogger({ role: 'bench', level: 'error' });
  const began = performance.now();
  if (part === 'model') {
    const { defaultModel } = await configuredModels({ modelsFile: null, model: null });
    const modelPath = await fetchModel(defaultModel, {
      cacheDir: join(CACHE_DIR, 'models'),
      progress: silentProgress,
    });
    const engine = createEngine(defaultModel, { modelPath, logger, threads: null });
    await engine.start();
    const millis = performance.now() - began;
    await engine.stop();
    return millis / 1_000;
  }
  const embedded = await startEmbedded({
    ...{ dataDir, cacheDir: CACHE_DIR, progress: silentProgress, logger, env: process.env },
    needKafka: part === 'broker',
    needRegistry: part === 'registry',
  });
  const millis = performance.now() - began;
  await embedded.stop();
  return millis / 1_000;
}

function seconds(millis: number): string {
  return `${(millis / 1_000).toFixed(1)} s`;
}
