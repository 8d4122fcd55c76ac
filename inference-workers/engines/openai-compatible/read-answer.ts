import type { FinishReason, Part, Prompt } from '../../engine.ts';
import { errorCode } from '../../../runtime/errors.ts';
import { createStopFilter } from '../stop-filter.ts';
import { unavailable } from './backend-error.ts';
import { createCallWriter } from './call-writer.ts';
import { finishReasonOf, parseChunk, type Usage } from './chunk.ts';
import { estimatePrompt, estimateTokens } from './estimate-tokens.ts';

/** What a stream ends with when it is whole. */
export const DONE = '[DONE]';

/**
 * Reads the events of one answer as parts, those that arrived together at once. An answer is whole once `[DONE]` or a
 * finish reason came; a piece is one token unless the backend counts along. Where it sends no counts at all they are
 * estimated.
 *
 * Throws StenoError `engine_unavailable` (retryable) for an answer that was cut, `engine_failed` for a malformed one
 * or an error in the stream.
 */
export async function* readAnswer(
  events: AsyncIterable<readonly string[]>,
  prompt: Prompt,
  /** Called when the text is complete: what is still to come are the counts. */
  onComplete: () => void,
): AsyncGenerator<readonly Part[], void> {
  const stops = createStopFilter(prompt.stop, prompt.prefix);
  const whole = createCharacterFilter();
  const calls = createCallWriter();
  let finish: FinishReason | null = null;
  let usage: Usage | null = null;
  let given = 0;
  let unshown = 0;
  let text = '';
  let isDone = false;
  let isStopped = false;
  let ready: Part[] = [];

  const textPart = (shown: string): Part => {
    const tokens = Math.max(1, unshown);
    unshown = 0;
    return { type: 'text', text: shown, tokens };
  };

  function say(said: string): void {
    if (said === '') return;
    text += said;
    const piece = stops.push(whole.push(said));
    if (piece.text !== '') ready.push(textPart(piece.text));
    isStopped = piece.stopped;
  }

  /** The backend has looked for texts that end the answer, and knows that arguments are none. */
  function sayCalls(said: string): void {
    if (said === '') return;
    text += said;
    ready.push(textPart(stops.flush() + whole.push(said)));
  }

  /** Takes one event; what it lets be shown becomes a part of `ready`. */
  function take(data: string): void {
    isDone = data === DONE;
    if (isDone) return;
    const chunk = parseChunk(data);
    const called = prompt.tools === null ? [] : chunk.calls;
    if ((chunk.text !== '' || called.length > 0) && finish === null) {
      const tokens = chunk.usage === null ? 1 : Math.max(0, chunk.usage.completionTokens - given);
      given += tokens;
      unshown += tokens;
      say(chunk.text);
      if (isStopped) return;
      if (called.length > 0) sayCalls(calls.write(called, text !== ''));
    }
    usage = chunk.usage ?? usage;
    if (chunk.finishReason === null || finish !== null) return;
    finish = finishReasonOf(chunk.finishReason);
    if (finish === null) throw unavailable('gave up in the middle of the answer');
    if (finish !== 'length') sayCalls(calls.close());
    onComplete();
  }

  try {
    for await (const batch of events) {
      let failure: Error | null = null;
      try {
        for (const data of batch) {
          take(data);
          if (isDone || isStopped) break;
        }
      } catch (error) {
        // What came before it in the same batch is shown first.
        failure = error instanceof Error ? error : unavailable('cut the answer');
      }
      if (ready.length > 0) {
        yield ready;
        ready = [];
      }
      if (failure !== null) throw failure;
      if (isDone || isStopped) break;
    }
  } catch (error) {
    // The text was complete: a connection that ends instead of giving the counts takes nothing from it.
    if (finish === null || errorCode(error) !== 'engine_unavailable') throw error;
  }
  if (!isDone && !isStopped && finish === null) throw unavailable('cut the answer');
  if (!isStopped) {
    const last = stops.push(whole.flush());
    isStopped = last.stopped;
    const rest = last.text + (isStopped ? '' : stops.flush());
    if (rest !== '') ready.push(textPart(rest));
  }
  ready.push({
    type: 'end',
    finishReason: isStopped ? 'stop' : (finish ?? 'stop'),
    ...countsOf(prompt, usage, Math.max(given, isStopped ? 0 : estimateTokens(text))),
  });
  yield ready;
}

/** The backend counts a prefix that it goes on with as prompt; to us it is answer. */
function countsOf(prompt: Prompt, usage: Usage | null, estimated: number): Usage {
  if (usage === null) {
    const completionTokens = Math.min(prompt.maxTokens, prompt.prefixTokens + estimated);
    return { promptTokens: estimatePrompt(prompt.messages), completionTokens, cachedTokens: 0 };
  }
  const promptTokens = Math.max(0, usage.promptTokens - prompt.prefixTokens);
  return {
    promptTokens,
    completionTokens: prompt.prefixTokens + usage.completionTokens,
    cachedTokens: Math.min(usage.cachedTokens, promptTokens),
  };
}

/** Holds back half a character (JSON can carry one half of a surrogate pair) until its other half comes. */
function createCharacterFilter(): { push(text: string): string; flush(): string } {
  let held = '';
  return {
    push(text) {
      const joined = held + text;
      const last = joined.charCodeAt(joined.length - 1);
      held = last >= 0xd800 && last <= 0xdbff ? joined.slice(-1) : '';
      return joined.slice(0, joined.length - held.length).toWellFormed();
    },
    flush() {
      const rest = held.toWellFormed();
      held = '';
      return rest;
    },
  };
}
