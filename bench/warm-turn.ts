import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { WebSocket } from 'ws';
import type { Engine, PromptMessage } from '../inference-workers/engine.ts';
import { ask, type Asked } from './support/ask.ts';
import { atMost, type Bench, type BenchOptions, type Outcome } from './support/bench.ts';
import { startCluster } from './support/cluster.ts';
import { startBenchPlatform } from './support/platform.ts';
import { startRealEngine } from './support/real-engine.ts';
import { shuffled, summarise } from './support/statistics.ts';
import { VoidRun } from './support/void-run.ts';

const ROUNDS = 12;
/** Rounds before: pages of the model file, hot code. */
const WARM_ROUNDS = 2;
const MAX_TOKENS = 24;
/** T1 at one in flight: what the platform may add. */
const PLATFORM_MS = 3;

export const warmTurn: Bench = {
  name: 'warm-turn',
  purpose: "time to the first token of a conversation's second turn, real model, KV kept (T9)",
  run,
};

/** A conversation of two turns; the second one is measured. */
type Talk = (first: string, second: string) => Promise<Asked>;

async function run(options: BenchOptions): Promise<Outcome> {
  const { signal, say } = options;
  await using cleanup = new AsyncDisposableStack();
  say('loading the model');
  const engine = await startRealEngine('error');
  cleanup.defer(() => engine.stop());
  say('starting broker, registry and roles');
  const cluster = await startCluster();
  cleanup.defer(() => cluster.stop());
  const { platform } = await startBenchPlatform(cluster, options, { STENO_MODEL: 'default' });
  cleanup.defer(() => platform.stop());
  const socket = new WebSocket(`${platform.url().replace(/^http/, 'ws')}/v1/chat`, {
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  cleanup.defer(() => socket.terminate());

  const talks = { ours: throughPlatform(socket), engine: throughEngine(engine) };
  const results = { ours: [] as Asked[], engine: [] as Asked[] };
  const rounds = options.rounds ?? ROUNDS;
  for (let round = 1 - WARM_ROUNDS; round <= rounds; round += 1) {
    if (round > 0) say(`round ${round} of ${rounds}`);
    for (const name of shuffled(['ours', 'engine'] as const, Math.random)) {
      signal.throwIfAborted();
      const asked = await talks[name](
        `Conversation ${round}. Name three rivers of Europe.`,
        'Which one is the longest?',
      );
      if (round > 0) results[name].push(asked);
    }
  }
  return outcomeOf(results);
}

function outcomeOf({
  ours,
  engine,
}: {
  readonly ours: readonly Asked[];
  readonly engine: readonly Asked[];
}): Outcome {
  const value = summarise(ours.map(({ firstMs }) => firstMs));
  const limit = summarise(engine.map(({ firstMs }) => firstMs));
  if (ours.some(({ cachedTokens }) => cachedTokens === 0)) throw new VoidRun('a second turn had no KV kept');
  const equal = ours.filter(({ text }, index) => text === engine[index]?.text).length;
  const tokens = (list: readonly Asked[]): string => {
    const prompt = summarise(list.map(({ promptTokens }) => promptTokens));
    const cached = summarise(list.map(({ cachedTokens }) => cachedTokens));
    return `${cached.median} of ${prompt.median} prompt tokens kept`;
  };
  return {
    figures: [
      {
        what: 'first token of the second turn',
        unit: 'ms',
        ours: value,
        limit: { name: 'engine directly', value: limit },
        targets: [
          atMost('must', '<= 1.2x + 3 ms', value.median, 1.2 * limit.median + PLATFORM_MS),
          atMost('moonshot', '<= 1.05x + 3 ms', value.median, 1.05 * limit.median + PLATFORM_MS),
        ],
      },
    ],
    notes: [
      `through the platform ${tokens(ours)}; engine directly ${tokens(engine)}`,
      `${equal} of ${ours.length} second answers were the same text, greedy`,
    ],
  };
}

function throughPlatform(socket: WebSocket): Talk {
  const parameters = { temperature: 0, max_tokens: MAX_TOKENS };
  return async (first, second) => {
    const { conversationId } = await ask(socket, { text: first, ...parameters });
    return ask(socket, { text: second, conversation_id: conversationId, ...parameters });
  };
}

function throughEngine(engine: Engine): Talk {
  let conversations = 0;
  return async (first, second) => {
    conversations += 1;
    const conversationId = `conv-${conversations}`;
    const question = { role: 'user', text: first } as const;
    const { text } = await generate(engine, conversationId, [question]);
    return generate(engine, conversationId, [
      question,
      { role: 'assistant', text },
      { role: 'user', text: second },
    ]);
  };
}

async function generate(
  engine: Engine,
  conversationId: string,
  messages: readonly PromptMessage[],
): Promise<Asked> {
  const began = performance.now();
  let firstMs = Number.NaN;
  let text = '';
  const prompt = {
    ...{ inferenceId: `${conversationId}-${messages.length}`, conversationId, model: 'default', messages },
    ...{
      prefix: '',
      prefixTokens: 0,
      maxTokens: MAX_TOKENS,
      temperature: 0,
      topP: 1,
      seed: null,
      stop: [],
      format: null,
      tools: null,
    },
  };
  for await (const part of engine.generate(prompt, { signal: new AbortController().signal })) {
    if (part.type === 'end') {
      const { promptTokens, cachedTokens } = part;
      return { firstMs, text, conversationId, promptTokens, cachedTokens };
    }
    if (text === '') firstMs = performance.now() - began;
    text += part.text;
  }
  throw new VoidRun('the engine gave no end');
}
