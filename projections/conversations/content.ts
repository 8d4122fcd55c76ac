import type { Content, MessagePart, PromptMessage } from '../../schemas/generated/types.ts';
import type { StoredContent, StoredMessage, StoredPart } from './rows.ts';

const TITLE_CHARACTERS = 60;

/** Keeps a text as it came: plain or sealed. */
export function storeContent({ text, sealed, keyId }: Content): StoredContent {
  return { text, sealed: sealed === null ? null : Buffer.from(sealed).toString('base64'), keyId };
}

/** Keeps a part without the fields that its type leaves null. */
export function storePart({ type, text, toolCall, toolResult, media }: MessagePart): StoredPart {
  return {
    type,
    ...(text === null ? {} : { text: storeContent(text) }),
    ...(toolCall === null ? {} : { toolCall: { ...toolCall, arguments: storeContent(toolCall.arguments) } }),
    ...(toolResult === null
      ? {}
      : { toolResult: { ...toolResult, content: storeContent(toolResult.content) } }),
    ...(media === null ? {} : { media }),
  };
}

export function storeMessage({ role, parts }: PromptMessage): StoredMessage {
  return { role, parts: parts.map(storePart) };
}

/** Returns the title a conversation has until somebody names it: how its user's first text begins. Null without plain text. */
export function titleOf(messages: readonly PromptMessage[]): string | null {
  for (const { text } of messages.flatMap(({ role, parts }) => (role === 'user' ? parts : []))) {
    // A long text need not be split whole: surrogate pairs and runs of spaces fit in eight times the length.
    const words = (text?.text ?? '')
      .slice(0, TITLE_CHARACTERS * 8)
      .trim()
      .replace(/\s+/gu, ' ');
    if (words === '') continue;
    const characters = Array.from(words);
    if (characters.length <= TITLE_CHARACTERS) return words;
    const cut = characters.slice(0, TITLE_CHARACTERS).join('');
    const lastSpace = cut.lastIndexOf(' ');
    return `${lastSpace > TITLE_CHARACTERS / 2 ? cut.slice(0, lastSpace) : cut}…`;
  }
  return null;
}
