import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import type { FinishReason, Part, Prompt } from '../../engine.ts';
import { StenoError } from '../../../runtime/errors.ts';
import { createStopFilter } from '../stop-filter.ts';
import type { LoadedModel } from './load-model.ts';
import { createPieceDecoder } from './piece-decoder.ts';
import { nextTokens, prefill } from './token-stream.ts';

/**
 * Answers one prompt on a free sequence. An abort is seen between two tokens and between two pieces of the prompt.
 *
 * Throws StenoError `prompt_too_large`, `engine_failed`; the signal's reason once it is aborted.
 */
export async function* evaluate(
  loaded: LoadedModel,
  prompt: Prompt,
  signal: AbortSignal,
): AsyncGenerator<Part, void> {
  const promptTokens = loaded.chat.tokens(prompt);
  const tokens = [...promptTokens, ...loaded.model.tokenize(prompt.prefix, false)];
  const room = loaded.contextLength - 1 - tokens.length;
  if (room <= 0) throw tooLarge(tokens.length, loaded.contextLength);
  const limit = Math.min(prompt.maxTokens - prompt.prefixTokens, room);
  let cachedTokens = 0;
  let outcome: Outcome = { finishReason: 'length', generated: 0 };
  if (limit > 0) {
    const seat = loaded.sequences.take(prompt.conversationId);
    if (seat === null) throw new StenoError('engine_failed', 'all sequences are busy', { retryable: true });
    try {
      cachedTokens = await prefill(loaded, seat.sequence, tokens, signal);
      outcome = yield* writeText(loaded, seat.sequence, prompt, tokens, limit, signal);
    } finally {
      loaded.sequences.release(seat);
    }
  }
  yield {
    type: 'end',
    finishReason: outcome.finishReason,
    promptTokens: promptTokens.length,
    completionTokens: prompt.prefixTokens + outcome.generated,
    cachedTokens: Math.min(cachedTokens, promptTokens.length),
  };
}

type Outcome = { readonly finishReason: FinishReason; readonly generated: number };

async function* writeText(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  prompt: Prompt,
  tokens: readonly Token[],
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<Part, Outcome> {
  const pieces = createPieceDecoder((ids, before) => detokenize(loaded, ids, before), tokens);
  const stops = createStopFilter(prompt.stop, prompt.prefix);
  let generated = 0;
  let unshown = 0;
  for await (const token of nextTokens(loaded, sequence, tokens, prompt, signal)) {
    generated += 1;
    unshown += 1;
    const piece = stops.push(pieces.push(token));
    if (piece.text !== '') {
      yield { type: 'text', text: piece.text, tokens: unshown };
      unshown = 0;
    }
    if (piece.stopped) return { finishReason: 'stop', generated };
    if (generated >= limit) break;
  }
  const rest = stops.flush();
  if (rest !== '') yield { type: 'text', text: rest, tokens: unshown };
  return { finishReason: generated >= limit ? 'length' : 'stop', generated };
}

function detokenize(loaded: LoadedModel, ids: readonly number[], before: readonly number[]): string {
  // Token is a branded number of the library: these came from it.
  return loaded.model.detokenize(ids as readonly Token[], false, before as readonly Token[]);
}

function tooLarge(tokens: number, contextLength: number): StenoError {
  const message = `the prompt has ${tokens} tokens, the model reads ${contextLength}`;
  return new StenoError('prompt_too_large', message, { facts: { tokens, contextLength } });
}
