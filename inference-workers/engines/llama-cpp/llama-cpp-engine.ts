import { setTimeout as delay } from 'node:timers/promises';
import type { Engine, Part, Prompt } from '../../engine.ts';
import { errorMessage, StenoError } from '../../../runtime/errors.ts';
import type { Logger } from '../../../runtime/logger.ts';
import type { TokenCounter } from '../token-counter.ts';
import type { EngineChild } from './engine-child.ts';
import { forkEngine } from './engine-child.ts';
import type { LoadOptions } from './protocol.ts';
import { createSlots } from './slots.ts';

export type LlamaCppOptions = LoadOptions & {
  readonly logger: Logger;
  /** How long the process may go on with an aborted answer before it is ended by force; 15 s if absent. */
  readonly letGoMs?: number;
};

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 10_000;
const LET_GO_MS = 15_000;

/**
 * llama.cpp in a child process. Up to `sequences` prompts are answered at once, further ones wait in order. When the
 * process dies, what ran in it fails with `engine_unavailable`, the process is started again with a growing pause,
 * and calls made meanwhile wait for it. An aborted `generate` throws the signal's reason.
 */
export class LlamaCppEngine implements Engine, TokenCounter {
  readonly continues = true;
  readonly continuesFormats = true;
  readonly failsAlone = false;
  readonly slots: number;
  readonly #options: LlamaCppOptions;
  readonly #places: ReturnType<typeof createSlots>;
  readonly #stopping = new AbortController();
  #child: Promise<EngineChild>;
  #crashes = 0;
  #pid = 0;

  constructor(options: LlamaCppOptions) {
    this.#options = options;
    this.slots = options.sequences;
    this.#places = createSlots(options.sequences);
    this.#child = Promise.reject(notStarted());
    this.#child.catch(() => undefined);
  }

  /** The engine process of now, 0 while there is none: for the logs and for tests that kill it. */
  get processId(): number {
    return this.#pid;
  }

  async start(): Promise<void> {
    this.#child = this.#launch();
    await this.#child;
  }

  async *generate(prompt: Prompt, options: { signal: AbortSignal }): AsyncGenerator<Part, void> {
    const { signal } = options;
    const giveBack = await this.#places.take(signal);
    let held: Promise<unknown> = Promise.resolve();
    try {
      const child = await unlessAborted(this.#child, signal);
      const run = child.generate(prompt);
      held = run.finished;
      const abort = (): void => {
        run.abort();
        run.parts.fail(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      try {
        for await (const part of run.parts.read()) {
          if (part.type === 'end') this.#crashes = 0;
          yield part;
        }
      } finally {
        signal.removeEventListener('abort', abort);
        run.abort();
        this.#endIfStuck(child, run.finished);
      }
    } finally {
      void held.then(giveBack);
    }
  }

  async count(texts: readonly string[]): Promise<readonly number[]> {
    return (await this.#child).count(texts);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(notStarted());
    await this.#child.then((child) => child.close()).catch(() => undefined);
  }

  async #launch(): Promise<EngineChild> {
    const child = forkEngine(loadOptions(this.#options));
    try {
      const facts = await unlessAborted(child.ready, this.#stopping.signal);
      this.#pid = child.pid;
      this.#options.logger.info('engine process ready', { enginePid: child.pid, ...facts });
    } catch (error) {
      await child.close();
      throw error;
    }
    void child.exited.then((why) => this.#lost(why));
    return child;
  }

  /** A process that does not let go of an answer nobody wants holds its slot for ever. */
  #endIfStuck(child: EngineChild, finished: Promise<unknown>): void {
    const timer = setTimeout(() => child.kill(), this.#options.letGoMs ?? LET_GO_MS);
    void finished.then(() => clearTimeout(timer));
  }

  #lost(why: string): void {
    this.#pid = 0;
    if (this.#stopping.signal.aborted) return;
    this.#options.logger.warn('engine process ended', { why, crashes: this.#crashes + 1 });
    this.#child = this.#relaunch();
    this.#child.catch(() => undefined);
  }

  async #relaunch(): Promise<EngineChild> {
    const pause = Math.min(FIRST_BACKOFF_MS * 2 ** this.#crashes, MAX_BACKOFF_MS);
    this.#crashes += 1;
    try {
      await delay(pause, undefined, { signal: this.#stopping.signal });
      return await this.#launch();
    } catch (error) {
      this.#lost(errorMessage(error));
      throw new StenoError(
        'engine_unavailable',
        `the engine process cannot be started: ${errorMessage(error)}`,
        {
          retryable: true,
          cause: error,
        },
      );
    }
  }
}

function loadOptions(options: LlamaCppOptions): LoadOptions {
  const { modelPath, contextLength, sequences, threads } = options;
  return { modelPath, contextLength, sequences, threads };
}

/** Waits for `promise` as long as nobody aborts; the promise itself goes on. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const leave = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function notStarted(): StenoError {
  return new StenoError('model_not_loaded', 'the engine is not running', { fix: 'call start() first' });
}
