import type { PromptMessage } from '../../engine.ts';

/** Tokens that a chat template adds around a message. */
const TOKENS_PER_MESSAGE = 4;
/** Byte-pair vocabularies of current models average 3.5 to 4.5 bytes a token on English prose. */
const BYTES_PER_TOKEN = 4;

/** Estimates the tokens of a text for a backend that does not count them. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / BYTES_PER_TOKEN);
}

/** Estimates the tokens of a whole prompt. */
export function estimatePrompt(messages: readonly PromptMessage[]): number {
  return messages.reduce((sum, { text }) => sum + TOKENS_PER_MESSAGE + estimateTokens(text), 0);
}
