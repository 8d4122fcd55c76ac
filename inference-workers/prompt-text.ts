import type { MessagePart } from '../schemas/generated/types.ts';

/** Returns what a text model reads of a message: its text parts, one after the other. */
export function textOfParts(parts: readonly MessagePart[]): string {
  return parts.map((part) => part.text?.text ?? '').join('');
}
