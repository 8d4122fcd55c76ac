import { hash } from 'node:crypto';

/** What an id names; its first characters, so that a person sees it. */
export type IdKind = 'evt' | 'msg' | 'inf' | 'conv' | 'fb' | 'claim' | 'call';

/**
 * Derives an id from what caused it: the same parts give the same id, so that a retry makes nothing twice.
 * `<kind>_` and 128 bits of SHA-256 over the parts, each preceded by its length, in base64url.
 */
export function deriveId(kind: IdKind, ...parts: readonly (string | number)[]): string {
  let text = '';
  for (const part of parts) {
    const piece = String(part);
    text += `${piece.length}:${piece}`;
  }
  return `${kind}_${hash('sha256', text, 'base64url').slice(0, 22)}`;
}

/** SHA-256 of a text's UTF-8 bytes, lower-case hex. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** The inference that answers a message. */
export function inferenceIdOf(messageId: string): string {
  return deriveId('inf', messageId);
}
