import { performance } from 'node:perf_hooks';
import type { Prompt } from '../../inference-workers/engine.ts';
import { ScriptedEngine } from '../../inference-workers/engines/scripted/scripted-engine.ts';
import { percentile } from './statistics.ts';

export const DELTAS_PER_TURN = 20;

/** A question, and the answer that the scripted engine gives to it, byte by byte. */
export type Question = { readonly text: string; readonly answer: string };

const COUNT = 64;
const FIRST_TOKEN_RUNS = 5_000;

/** Returns questions with answers of so many tokens each, so many milliseconds apart. */
export async function writeQuestions(
  paceMs = 0,
  { tokens = DELTAS_PER_TURN, count = COUNT } = {},
): Promise<readonly Question[]> {
  const texts = Array.from(
    { length: count },
    (_, index) =>
      `What keeps the order of events on a log? Question ${index} [[tokens=${tokens} pace=${paceMs}]]`,
  );
  return Promise.all(texts.map(async (text) => ({ text, answer: await answerTo(text) })));
}

/** Returns p50 and p99 of the time to the scripted engine's first token when it is called in this process. */
export async function measureEngine(
  question: Question,
): Promise<{ readonly p50: number; readonly p99: number }> {
  const engine = new ScriptedEngine();
  const times: number[] = [];
  for (let run = 0; run < FIRST_TOKEN_RUNS; run += 1) {
    const began = performance.now();
    for await (const _part of engine.generate(promptOf(question.text), {
      signal: new AbortController().signal,
    })) {
      times.push(performance.now() - began);
      break;
    }
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

async function answerTo(text: string): Promise<string> {
  let answer = '';
  for await (const part of new ScriptedEngine().generate(promptOf(text), {
    signal: new AbortController().signal,
  })) {
    if (part.type === 'text') answer += part.text;
  }
  return answer;
}

function promptOf(text: string): Prompt {
  return {
    inferenceId: 'inf',
    conversationId: 'conv',
    model: 'scripted',
    messages: [{ role: 'user', text }],
    prefix: '',
    prefixTokens: 0,
    maxTokens: 1_000,
    temperature: 0,
    topP: 1,
    seed: null,
    stop: [],
    format: null,
    tools: null,
  };
}
