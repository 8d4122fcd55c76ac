/** Named in every manifest: a prompt can only be rebuilt with the counter that sized it. */
export const TOKEN_COUNTER = 'utf8-bytes/3';

/** Tokens that a chat template spends on each message, rounded up. */
export const MESSAGE_OVERHEAD = 8;

/**
 * Returns an upper estimate of a text's tokens: byte-pair vocabularies of current models average 3.5 to 4.5 bytes a
 * token on English prose, and at worst one byte a token on text they never saw.
 */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / 3);
}
