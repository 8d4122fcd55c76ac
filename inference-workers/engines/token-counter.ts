/** Exact token counts of an engine's own tokenizer; an engine that has one implements this beside `Engine`. */
export interface TokenCounter {
  /**
   * Resolves to one count a text, in the order given; special tokens in a text are counted as plain text and the chat
   * template adds its own. Throws StenoError `engine_unavailable` (retryable).
   */
  count(texts: readonly string[]): Promise<readonly number[]>;
}
