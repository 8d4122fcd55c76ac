import { setTimeout as delay } from 'node:timers/promises';
import type { Engine, Part, Prompt } from '../../engine.ts';
import { errorCode, StenoError } from '../../../runtime/errors.ts';
import type { BreakerState, ExternalCall, ExternalCalls } from '../../../runtime/external-call.ts';
import type { Logger } from '../../../runtime/logger.ts';
import type { Backend } from '../../models/model-entry.ts';
import type { TokenCounter } from '../token-counter.ts';
import { BackendClient } from './backend-client.ts';
import { unavailable } from './backend-error.ts';
import { chatBody } from './chat-body.ts';
import { estimatePrompt, estimateTokens } from './estimate-tokens.ts';
import { readAnswer } from './read-answer.ts';

export type OpenAiCompatibleOptions = {
  /** The catalogue's id: what the breaker and the metrics are named after. */
  readonly id: string;
  readonly backend: Backend;
  readonly apiKey: string | null;
  readonly firstTokenMs: number;
  readonly tokenGapMs: number;
  readonly calls: ExternalCalls;
  readonly logger: Logger;
  /** What a failed answer waits before the worker may try again; 250 ms if absent. */
  readonly retryPauseMs?: number;
};

const RETRY_PAUSE_MS = 250;
/** A longer wait than this is the client's to make: the answer fails instead. */
const MAX_WAIT_MS = 10_000;
/** No backend may keep us away for longer, whatever it says. */
const MAX_AWAY_MS = 60_000;
/** Whoever asks has the same limits and says so in his own words; these are for those who have none. */
const PATIENCE_MS = 5_000;
const PROBE_MESSAGES = [{ role: 'user', text: 'Say yes.' }] as const;

/**
 * A model behind an OpenAI-compatible API: vLLM, llama-server, Ollama, OpenAI, another Steno.
 *
 * `generate` throws besides what `Engine` promises: `engine_unavailable` at once while the breaker is open, and with
 * `retryAfterMs` in its facts where the backend asks for a longer pause than ten seconds; a shorter one is kept.
 */
export class OpenAiCompatibleEngine implements Engine, TokenCounter {
  readonly continues: boolean;
  /** A backend's grammar begins with the answer: what went before is unknown to it. */
  readonly continuesFormats = false;
  readonly failsAlone = true;
  readonly slots: number;
  readonly #options: OpenAiCompatibleOptions;
  readonly #client: BackendClient;
  readonly #call: ExternalCall;
  readonly #stopping = new AbortController();
  /** Aborted when the breaker opens: nobody waits for a backend that is known to be gone. */
  #opened = new AbortController();
  #notBefore = 0;

  constructor(options: OpenAiCompatibleOptions) {
    const { id, backend, apiKey } = options;
    const { failures, openMs: openMillis } = backend.breaker;
    this.#options = options;
    this.continues = backend.continues;
    this.slots = backend.slots;
    this.#client = new BackendClient({ baseUrl: backend.baseUrl, apiKey, connections: backend.slots });
    this.#call = options.calls.open({
      name: id,
      isFailure: tellsAgainstBackend,
      onState: (state) => this.#onState(state),
      failures,
      openMillis,
    });
  }

  facts(): Readonly<Record<string, number>> {
    return { breakerOpen: this.#call.state === 'closed' ? 0 : 1 };
  }

  /** Asks for one token, which a paid backend charges. */
  async start(): Promise<void> {
    await this.#probe();
  }

  async *generate(prompt: Prompt, options: { signal: AbortSignal }): AsyncGenerator<Part, void> {
    const { signal } = options;
    signal.throwIfAborted();
    if (prompt.prefixTokens >= prompt.maxTokens) {
      yield atLimit(prompt);
      return;
    }
    await this.#untilAllowed(signal);
    try {
      for await (const parts of this.#answer(prompt, signal)) {
        for (const part of parts) {
          // Whoever took the part before it may have stopped the answer.
          signal.throwIfAborted();
          yield part;
        }
      }
    } catch (error) {
      if (signal.aborted || !(error instanceof StenoError)) throw error;
      const found = engineError(error);
      await this.#calmDown(found, error.code, signal);
      throw found;
    }
  }

  count(texts: readonly string[]): Promise<readonly number[]> {
    return Promise.resolve(texts.map(estimateTokens));
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new StenoError('model_not_loaded', 'the engine was stopped'));
    this.#call.stop();
    await this.#client.close();
  }

  #answer(prompt: Prompt, signal: AbortSignal): AsyncGenerator<readonly Part[], void> {
    const { backend, firstTokenMs, tokenGapMs } = this.#options;
    const client = this.#client;
    const open = async function* (given: AbortSignal): AsyncGenerator<readonly Part[], void> {
      const call = await client.post(chatBody(prompt, backend), given);
      yield* readAnswer(call.events(), prompt, () => call.hurry());
    };
    return this.#call.stream(open, {
      signal,
      firstMillis: firstTokenMs + PATIENCE_MS,
      gapMillis: tokenGapMs + PATIENCE_MS,
      isLast: (parts) => parts.at(-1)?.type === 'end',
    });
  }

  /** Throws what a prompt would. */
  async #probe(): Promise<void> {
    const prompt = probePrompt(this.#options.id);
    try {
      for await (const parts of this.#answer(prompt, this.#stopping.signal))
        if (parts.at(-1)?.type === 'end') break;
    } catch (error) {
      throw error instanceof StenoError ? engineError(error) : error;
    }
  }

  /** Waits for the pause that the backend asked for, if it is short. */
  async #untilAllowed(signal: AbortSignal): Promise<void> {
    const retryAfterMs = this.#notBefore - performance.now();
    if (retryAfterMs <= 0) return;
    if (retryAfterMs > MAX_WAIT_MS)
      throw unavailable('asks for a pause', { retryAfterMs: Math.ceil(retryAfterMs) });
    await this.#pause(retryAfterMs, signal);
  }

  /** Between an error and the next try lies a pause, but not while the breaker is open: then the error comes at once. */
  async #calmDown(error: StenoError, cause: string, signal: AbortSignal): Promise<void> {
    if (error.code !== 'engine_unavailable' || cause === 'breaker_open') return;
    const { retryAfterMs } = error.facts;
    if (typeof retryAfterMs === 'number') {
      const away = Math.min(retryAfterMs, MAX_AWAY_MS);
      this.#notBefore = Math.max(this.#notBefore, performance.now() + away);
      return;
    }
    await this.#pause(this.#options.retryPauseMs ?? RETRY_PAUSE_MS, signal);
  }

  async #pause(millis: number, signal: AbortSignal): Promise<void> {
    const until = AbortSignal.any([signal, this.#opened.signal, this.#stopping.signal]);
    await delay(millis, undefined, { signal: until }).catch(() => undefined);
    signal.throwIfAborted();
  }

  #onState(state: BreakerState): void {
    const { id, logger } = this.#options;
    if (state === 'open') {
      this.#opened.abort();
      logger.warn('backend fails, answers fail at once', { model: id });
    }
    if (state === 'closed') {
      this.#opened = new AbortController();
      logger.info('backend is well again', { model: id });
    }
    // The next call decides: a probe, so that no person's message is used to find out. What it finds is the next state.
    if (state === 'half_open') this.#probe().catch(() => undefined);
  }
}

/** A refusal of one prompt, a bad key or a request for a pause say that the backend is there. */
function tellsAgainstBackend(error: unknown): boolean {
  const status = error instanceof StenoError ? error.facts['status'] : undefined;
  if (typeof status === 'number') return status >= 500 || status === 200;
  return errorCode(error) !== 'prompt_too_large';
}

/** The words of a call, in those that an engine promises. */
function engineError(error: StenoError): StenoError {
  if (error.code === 'breaker_open')
    return unavailable('failed too often; it is left alone for a moment', {}, error);
  if (error.code === 'call_timeout') return unavailable('was silent for too long', {}, error);
  return error;
}

function probePrompt(model: string): Prompt {
  return {
    inferenceId: 'probe',
    conversationId: 'probe',
    model,
    messages: PROBE_MESSAGES,
    prefix: '',
    prefixTokens: 0,
    maxTokens: 1,
    temperature: 0,
    topP: 1,
    seed: null,
    stop: [],
    format: null,
    tools: null,
  };
}

function atLimit(prompt: Prompt): Part {
  return {
    type: 'end',
    finishReason: 'length',
    promptTokens: estimatePrompt(prompt.messages),
    completionTokens: prompt.prefixTokens,
    cachedTokens: 0,
  };
}
