import type { FinishReason, Prompt } from '../../engine.ts';

/** How the engine process loads its model. */
export type LoadOptions = {
  readonly modelPath: string;
  /** Tokens a sequence can hold; capped at what the model was trained on. */
  readonly contextLength: number;
  /** Sequences evaluated in one batch. */
  readonly sequences: number;
  readonly threads: number;
};

/** What the worker tells its engine process. */
export type ToEngine =
  | { readonly type: 'load'; readonly options: LoadOptions }
  | { readonly type: 'generate'; readonly id: number; readonly prompt: Prompt }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'count'; readonly id: number; readonly texts: readonly string[] };

/** An error that crosses the process border. */
export type WireError = {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly fix: string | null;
};

/** What the engine process found when it was ready. */
export type EngineFacts = {
  readonly gpu: string;
  readonly threads: number;
  readonly contextLength: number;
  readonly loadMs: number;
  readonly firstTokenMs: number;
};

/** What the engine process answers. Every `generate` is answered by exactly one `end`, `stopped` or `failed`. */
export type FromEngine =
  | { readonly type: 'ready'; readonly facts: EngineFacts }
  | { readonly type: 'load-failed'; readonly error: WireError }
  | { readonly type: 'text'; readonly id: number; readonly text: string; readonly tokens: number }
  | {
      readonly type: 'end';
      readonly id: number;
      readonly finishReason: FinishReason;
      readonly promptTokens: number;
      readonly completionTokens: number;
      readonly cachedTokens: number;
    }
  | { readonly type: 'stopped'; readonly id: number }
  | { readonly type: 'failed'; readonly id: number; readonly error: WireError }
  | { readonly type: 'counted'; readonly id: number; readonly counts: readonly number[] };
