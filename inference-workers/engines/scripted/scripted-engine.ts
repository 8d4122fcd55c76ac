import type { Engine, Part, Prompt } from '../../engine.ts';
import { StenoError } from '../../../runtime/errors.ts';
import { createStopFilter } from '../stop-filter.ts';
import type { TokenCounter } from '../token-counter.ts';
import type { Directives, Fault } from './directives.ts';
import { NO_DIRECTIVES, parseDirectives } from './directives.ts';
import { openPauses, type Pauses } from './pauses.ts';
import { startOf, writeScript } from './script.ts';
import { countTokens } from './words.ts';

export type ScriptedOptions = {
  /** What holds where a prompt's own directives say nothing. */
  readonly defaults?: Partial<Directives>;
  /** Inferences at once; 1,024 if absent. */
  readonly slots?: number;
  /** Ends the process for `abort=`; absent in production, where a message must not be able to. */
  readonly abort?: () => void;
};

/**
 * An engine without a model: the answer follows from the last user message and a seed, so equal prompts have equal
 * answers on every machine. Without pauses it uses no timers. `directives.ts` says what a prompt can ask for.
 */
export class ScriptedEngine implements Engine, TokenCounter {
  readonly continues = true;
  readonly continuesFormats = true;
  readonly failsAlone = false;
  readonly slots: number;
  readonly #defaults: Directives;
  readonly #abort: (() => void) | undefined;

  constructor(options: ScriptedOptions = {}) {
    this.slots = options.slots ?? 1_024;
    this.#defaults = { ...NO_DIRECTIVES, ...options.defaults };
    this.#abort = options.abort;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  count(texts: readonly string[]): Promise<readonly number[]> {
    return Promise.resolve(texts.map(countTokens));
  }

  async *generate(prompt: Prompt, { signal }: { signal: AbortSignal }): AsyncGenerator<Part, void> {
    signal.throwIfAborted();
    const question = lastUserText(prompt);
    const directives = parseDirectives(question, this.#defaults);
    const script = writeScript(question, directives);
    const stops = createStopFilter(prompt.stop, prompt.prefix);
    const until = Math.min(script.length, prompt.maxTokens);
    const start = startOf(script, prompt.prefix, prompt.prefixTokens);
    let position = start;
    let unshown = 0;
    let stopped = false;
    const pauses = openPauses(signal);
    try {
      while (position < until && !stopped) {
        if (directives.faults.length > 0) await this.#misbehave(directives.faults, position, start, pauses);
        const waitMs = position === start ? directives.firstMs : directives.paceMs;
        if (waitMs > 0) await pauses.pause(waitMs);
        signal.throwIfAborted();
        const piece = stops.push(script.token(position));
        position += 1;
        unshown += 1;
        stopped = piece.stopped;
        if (piece.text !== '') {
          yield { type: 'text', text: piece.text, tokens: unshown };
          unshown = 0;
        }
      }
    } finally {
      pauses.close();
    }
    const rest = stopped ? '' : stops.flush();
    if (rest !== '') yield { type: 'text', text: rest, tokens: unshown };
    yield {
      type: 'end',
      finishReason: stopped || position >= script.length ? 'stop' : 'length',
      promptTokens: promptTokens(prompt),
      completionTokens: position,
      cachedTokens: 0,
    };
  }

  async #misbehave(faults: readonly Fault[], position: number, start: number, pauses: Pauses): Promise<void> {
    for (const fault of faults) {
      const at = fault.when === 'after' ? fault.tokens : start + fault.tokens;
      if (position !== at) continue;
      if (fault.when === 'after' && start > 0 && start >= at) continue;
      if (fault.kind === 'hang') await pauses.hang();
      if (fault.kind === 'fail') throw new StenoError('engine_failed', 'the prompt asked for a failure');
      if (fault.kind === 'abort') this.#abort?.();
      throw new StenoError('engine_unavailable', 'the prompt asked for an engine that is gone', {
        retryable: true,
      });
    }
  }
}

function lastUserText(prompt: Prompt): string {
  return prompt.messages.findLast(({ role }) => role === 'user' || role === 'tool')?.text ?? '';
}

function promptTokens(prompt: Prompt): number {
  return prompt.messages.reduce((sum, message) => sum + countTokens(message.text), 0);
}
