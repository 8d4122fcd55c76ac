import { performance } from 'node:perf_hooks';
import type { Engine } from '../inference-workers/engine.ts';
import type { Bench, BenchOptions, Figure, Outcome } from './support/bench.ts';
import { startRealEngine } from './support/real-engine.ts';
import { summarise } from './support/statistics.ts';

const LEVELS = [1, 4, 16, 32];
const ROUNDS = 3;
const MAX_TOKENS = 64;

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
  // What it says when it is ready names the GPU.
  const engine = await startRealEngine('info', { slots: Math.max(...LEVELS) });
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
        ...{ maxTokens: MAX_TOKENS, temperature: 0, topP: 1, seed: 0, stop: [], format: null, tools: null },
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
