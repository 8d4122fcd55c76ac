import type { MessagePart } from '../schemas/generated/types.ts';

/** Returns a message's part that holds this text in the clear. */
export function textPart(text: string): MessagePart {
  return {
    type: 'text',
    text: { text, sealed: null, keyId: null },
    toolCall: null,
    toolResult: null,
    media: null,
  };
}

/** Returns the text of a message: its text parts, one after the other. */
export function textOf(parts: readonly MessagePart[]): string {
  return parts.map((part) => part.text?.text ?? '').join('');
}
