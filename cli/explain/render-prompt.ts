import type { ContextEntry, PromptMessage } from '../../schemas/generated/types.ts';
import { textOf } from '../../streams/parts.ts';
import { printable } from '../printable.ts';

/** A name, and what there is to say of it. */
export type Line = readonly [string, string];

/** Writes a heading and its lines, names in a column of their own. */
export function section(title: string, lines: readonly Line[]): string {
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  return [title, ...lines.map(([name, value]) => `  ${name.padEnd(width)}  ${printable(value)}`)].join('\n');
}

/** What became of each candidate of a window. */
export function entryLines(entries: readonly ContextEntry[]): readonly Line[] {
  return entries.map(({ kind, messageId, tokens, decision }) => [
    decision,
    `${kind} ${tokens} tokens${messageId === '' ? '' : `  ${messageId}`}`,
  ]);
}

/** The words of a prompt, in the order of the model. */
export function messageLines(messages: readonly PromptMessage[]): readonly Line[] {
  return messages.map(({ role, parts }) => [`${role}:`, textOf(parts)]);
}
