import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Engine } from '../../inference-workers/engine.ts';
import type { Step } from '../../runtime/progress.ts';
import type { ComparePrompt } from './prompts.ts';

/** How a model did on every prompt, one after the other, alone in its engine. */
export type Measured = {
  readonly model: string;
  /** From nothing to the proof of a first token. */
  readonly loadMs: number;
  /** Medians over the prompts; null where no answer had enough tokens to tell. */
  readonly firstTokenMs: number | null;
  readonly tokensPerSecond: number | null;
  /** Most memory the engine's process held, the mapped model file included; null without a process of its own. */
  readonly peakBytes: number | null;
  readonly answers: readonly string[];
};

export type MeasureOptions = {
  readonly model: string;
  readonly engine: Engine;
  readonly prompts: readonly ComparePrompt[];
  readonly maxTokens: number;
  readonly step: Step;
  readonly signal: AbortSignal;
};

type Timed = { readonly text: string; readonly firstMs: number | null; readonly rate: number | null };

/** Loads the model, asks everything greedily, and stops the engine. Throws as the engine does. */
export async function measureModel(options: MeasureOptions): Promise<Measured> {
  const { model, engine, prompts, step, signal } = options;
  const began = performance.now();
  try {
    await engine.start();
    const loadMs = performance.now() - began;
    const timed: Timed[] = [];
    for (const prompt of prompts) {
      signal.throwIfAborted();
      timed.push(await answer(options, prompt));
      step.update(timed.length, prompts.length);
    }
    return {
      model,
      loadMs,
      firstTokenMs: median(timed.flatMap(({ firstMs }) => firstMs ?? [])),
      tokensPerSecond: median(timed.flatMap(({ rate }) => rate ?? [])),
      peakBytes: peakOf(engine),
      answers: timed.map(({ text }) => text),
    };
  } finally {
    await engine.stop();
  }
}

async function answer(options: MeasureOptions, prompt: ComparePrompt): Promise<Timed> {
  const { model, engine, maxTokens, signal } = options;
  const began = performance.now();
  let text = '';
  let firstAt: number | null = null;
  let firstTokens = 0;
  let rate: number | null = null;
  const parts = engine.generate(
    {
      // A conversation of its own for each: no prompt finds another's cache.
      ...{ inferenceId: `compare-${prompt.name}`, conversationId: `compare-${prompt.name}`, model },
      ...{ messages: [{ role: 'user', text: prompt.text }], prefix: '', prefixTokens: 0, maxTokens },
      ...{ temperature: 0, topP: 1, seed: 0, stop: [], format: null, tools: null },
    },
    { signal },
  );
  for await (const part of parts) {
    const now = performance.now();
    if (part.type === 'text') {
      text += part.text;
      if (firstAt === null) firstTokens = part.tokens;
      firstAt ??= now;
    } else if (firstAt !== null && part.completionTokens > firstTokens) {
      // Tokens after the first piece, over the time they took: the prompt's evaluation is not in it.
      rate = ((part.completionTokens - firstTokens) * 1_000) / (now - firstAt);
    }
  }
  return { text, firstMs: firstAt === null ? null : firstAt - began, rate };
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const high = sorted[Math.floor(sorted.length / 2)];
  const low = sorted[Math.ceil(sorted.length / 2) - 1];
  return high === undefined || low === undefined ? null : (low + high) / 2;
}

/** The peak of the engine's process: as Linux counts it, elsewhere what it holds now. */
function peakOf(engine: Engine): number | null {
  const pid = 'processId' in engine && typeof engine.processId === 'number' ? engine.processId : 0;
  if (pid === 0) return null;
  try {
    if (process.platform === 'linux') {
      const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return peak === undefined ? null : Number(peak) * 1_024;
    }
    const held = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
    return Number(held.trim()) * 1_024;
  } catch {
    // It ended meanwhile: nobody can tell any more.
    return null;
  }
}
