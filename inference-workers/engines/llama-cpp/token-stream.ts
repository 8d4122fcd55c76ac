import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import type { Prompt } from '../../engine.ts';
import type { LoadedModel } from './load-model.ts';

/**
 * Brings a sequence to hold all of `tokens` but the last piece. What it holds already at the beginning is kept, and
 * its length returned; another conversation's rest is cleared. An abort is seen between two pieces.
 */
export async function prefill(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
  signal: AbortSignal,
): Promise<number> {
  await loaded.rounds.take(() => sequence.adaptStateToTokens(tokens.slice(0, -1), false));
  const kept = sequence.nextTokenIndex;
  while (tokens.length - sequence.nextTokenIndex > loaded.prefillTokens) {
    signal.throwIfAborted();
    const from = sequence.nextTokenIndex;
    const piece = tokens.slice(from, from + loaded.prefillTokens);
    await loaded.rounds.take(() => sequence.evaluateWithoutGeneratingNewTokens(piece));
  }
  return kept;
}

/** Evaluates the rest of `tokens` and yields what the model says next, until it ends its turn or nobody asks. */
export async function* nextTokens(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
  prompt: Prompt,
  signal: AbortSignal,
): AsyncGenerator<Token, void> {
  const guide = await loaded.grammars.open(prompt);
  const steps = sequence.evaluate(tokens.slice(sequence.nextTokenIndex), {
    ...sampling(prompt),
    ...(guide === null ? {} : { grammarEvaluationState: guide.state }),
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      const step = await loaded.rounds.take(() => steps.next());
      signal.throwIfAborted();
      if (step.done === true || loaded.chat.endTokens.has(step.value)) return;
      guide?.drawn(step.value);
      yield step.value;
    }
  } finally {
    await steps.return();
  }
}

/**
 * A continued answer draws with another seed: the first draws of the same seed belong to its beginning. The library
 * samples among the 40 likeliest tokens unless told otherwise, which suits small models.
 */
function sampling(prompt: Prompt): { temperature: number; topP: number; seed?: number } {
  const seed = prompt.seed === null ? {} : { seed: prompt.seed + prompt.prefixTokens };
  return { temperature: prompt.temperature, topP: prompt.topP, ...seed };
}
