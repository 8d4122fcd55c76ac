import type { PromptMessage } from '../schemas/generated/types.ts';
import { roleOf, textOf } from '../streams/parts.ts';

/** A message of a prompt as chat APIs and trainers read it. */
export type ChatMessage = { readonly role: string; readonly content: string };

export function chatMessage({ role, parts }: PromptMessage): ChatMessage {
  return { role: roleOf(role), content: textOf(parts) };
}
