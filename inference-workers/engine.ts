import type { AnswerFormat, MessagePart, ToolUse } from '../schemas/generated/types.ts';

/** One message of a prompt, as the engine's chat template sees it. */
export type PromptMessage = {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  /** All of it: calls of tools as `tool-calls.ts` writes them. */
  readonly text: string;
  /** The same in parts where it holds calls or results of tools, for an engine whose API knows of them. */
  readonly parts?: readonly MessagePart[];
};

/** What an engine is asked to answer. */
export type Prompt = {
  readonly inferenceId: string;
  /** Requests of one conversation carry the same value: the engine keeps its KV cache for it. */
  readonly conversationId: string;
  /** The engine's own model id (the catalogue's `id`). */
  readonly model: string;
  readonly messages: readonly PromptMessage[];
  /** Text that an earlier attempt already produced: the answer goes on right after it. "" for a first attempt. */
  readonly prefix: string;
  /** Tokens already spent on `prefix`; counts towards `maxTokens`. */
  readonly prefixTokens: number;
  readonly maxTokens: number;
  /** 0 = greedy. */
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number | null;
  readonly stop: readonly string[];
  /** JSON that the answer has to be; null for any text. */
  readonly format: AnswerFormat | null;
  /** What the answer may call, as `streams/tool-calls.ts` writes it; null for nothing. */
  readonly tools: ToolUse | null;
};

export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls';

/** What an engine yields: pieces of text, then exactly one `end`. Text never splits a character. */
export type Part =
  | { readonly type: 'text'; readonly text: string; readonly tokens: number }
  | {
      readonly type: 'end';
      readonly finishReason: FinishReason;
      readonly promptTokens: number;
      /** Tokens of the answer, those of `prefix` included. */
      readonly completionTokens: number;
      /** Prompt tokens served from a kept KV cache. */
      readonly cachedTokens: number;
    };

/**
 * The adapter to one model runtime. Leaving the loop or aborting the signal stops the model.
 *
 * `generate` throws StenoError: `engine_unavailable` (retryable: the engine process is gone, the backend cut the answer
 * or does not answer now), `engine_failed` (this prompt failed), `prompt_too_large`, `model_not_loaded`.
 */
export interface Engine {
  /** True if `prefix` is honoured; an engine that cannot is restarted from the beginning after a `reset`. */
  readonly continues: boolean;
  /** The same for an answer of a format or with tools: what comes must go on the JSON that the prefix began. */
  readonly continuesFormats: boolean;
  /** True if a failure is of one answer and says nothing of the others: a retry need not run alone. */
  readonly failsAlone: boolean;
  /** Inferences it runs at once. */
  readonly slots: number;
  /** Loads the model and proves it: resolves only after a first token. */
  start(): Promise<void>;
  generate(prompt: Prompt, options: { signal: AbortSignal }): AsyncIterable<Part>;
  stop(): Promise<void>;
  /** Facts for `steno status`. Numbers only. */
  facts?(): Readonly<Record<string, number>>;
}
