import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { LlamaCppEngine } from '../inference-workers/engines/llama-cpp/llama-cpp-engine.ts';
import type { Engine } from '../inference-workers/engine.ts';
import { configuredModels } from '../inference-workers/models/configured-models.ts';
import { fetchModel } from '../inference-workers/models/fetch-model.ts';
import { createLogger } from '../runtime/logger.ts';
import { silentProgress } from '../runtime/progress.ts';
import { CACHE_DIR } from '../test/support/cache-dir.ts';
import type { Bench, BenchOptions, Figure, Outcome } from './support/bench.ts';
import { summarise } from './support/statistics.ts';
import { VoidRun } from './support/void-run.ts';

const LEVELS = [1, 4, 16, 32];
const ROUNDS = 3;
const MAX_TOKENS = 64;
const CONTEXT = 1_024;

export const engineAlone: Bench = {
  name: 'engine',
  purpose:
    'tokens per second of the real model in the engine alone, by answers at once, on the GPU where there is one',
  run,
};

type Run = { readonly tokensPerSecond: number; readonly firstMs: number };

async function run(options: BenchOptions): Promise<Outcome> {
  const { say, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  say('loading the model');
  const engine = await startEngine();
  cleanup.defer(() => engine.stop());
  const rounds = options.rounds ?? ROUNDS;
  const runs = new Map<number, Run[]>(LEVELS.map((level) => [level, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const level of LEVELS) {
      signal.throwIfAborted();
      const result = await answerAtOnce(engine, level, round, signal);
      // The first round warms caches and kernels up.
      if (round > 0) runs.get(level)?.push(result);
      say(`round ${round}, ${level} at once: ${Math.round(result.tokensPerSecond)} tokens/s`);
    }
  }
  const of = (level: number, read: (result: Run) => number): ReturnType<typeof summarise> =>
    summarise((runs.get(level) ?? []).map(read));
  const alone = of(1, ({ tokensPerSecond }) => tokensPerSecond);
  return {
    figures: LEVELS.flatMap((level): readonly Figure[] => [
      {
        what: `tokens per second, ${level} at once`,
        unit: 'tokens/s',
        ours: of(level, ({ tokensPerSecond }) => tokensPerSecond),
        limit: level === 1 ? null : { name: 'one at a time', value: alone },
        targets: [],
      },
      {
        what: `first token, ${level} at once, the slowest`,
        unit: 'ms',
        ours: of(level, ({ firstMs }) => firstMs),
        limit: null,
        targets: [],
      },
    ]),
    notes: [`answers of ${MAX_TOKENS} tokens, greedy, each of a conversation of its own`],
  };
}

async function startEngine(): Promise<Engine> {
  const { defaultModel } = await configuredModels({ modelsFile: null, model: 'default' });
  const modelPath = await fetchModel(defaultModel, {
    cacheDir: `${CACHE_DIR}/models`,
    progress: silentProgress,
  });
  if (modelPath === null || defaultModel.engine !== 'llama-cpp')
    throw new VoidRun('the default model is not a file of the engine llama-cpp');
  const logger = createLogger({ role: 'bench', level: 'info' });
  const sequences = Math.max(...LEVELS);
  const engine = new LlamaCppEngine({
    modelPath,
    contextLength: CONTEXT,
    sequences,
    threads: Math.max(1, availableParallelism() - 1),
    logger,
  });
  await engine.start();
  return engine;
}

async function answerAtOnce(engine: Engine, level: number, round: number, signal: AbortSignal): Promise<Run> {
  const began = performance.now();
  const results = await Promise.all(
    Array.from({ length: level }, async (_, index) => {
      let firstMs = Number.NaN;
      let tokens = 0;
      const id = `engine-${round}-${level}-${index}`;
      const prompt = {
        ...{ inferenceId: id, conversationId: id, model: 'default', prefix: '', prefixTokens: 0 },
        messages: [{ role: 'user' as const, text: `Question ${index}: tell me a long story about a river.` }],
        ...{ maxTokens: MAX_TOKENS, temperature: 0, topP: 1, seed: 0, stop: [] },
      };
      for await (const part of engine.generate(prompt, { signal })) {
        if (Number.isNaN(firstMs)) firstMs = performance.now() - began;
        if (part.type === 'end') tokens = part.completionTokens;
      }
      return { firstMs, tokens };
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
  return { tokensPerSecond: tokens / seconds, firstMs: Math.max(...results.map(({ firstMs }) => firstMs)) };
}
