import type { Content, MessagePart, ToolCall, ToolResult } from '../schemas/generated/types.ts';
import { readAnswer, writeToolCall } from './tool-calls.ts';

const NOTHING: Omit<MessagePart, 'type'> = { text: null, toolCall: null, toolResult: null, media: null };

/** Returns text in the clear. */
export function plain(text: string): Content {
  return { text, sealed: null, keyId: null };
}

/** Returns a message's part that holds this text in the clear. */
export function textPart(text: string): MessagePart {
  return { type: 'text', ...NOTHING, text: plain(text) };
}

export function toolCallPart(toolCall: ToolCall): MessagePart {
  return { type: 'tool_call', ...NOTHING, toolCall };
}

export function toolResultPart(toolResult: ToolResult): MessagePart {
  return { type: 'tool_result', ...NOTHING, toolResult };
}

/** Returns what an answer says as parts: its text, and the calls in it where there were tools to call. */
export function answerParts(inferenceId: string, answer: string, hadTools: boolean): readonly MessagePart[] {
  if (!hadTools) return [textPart(answer)];
  const { text, toolCalls } = readAnswer(inferenceId, answer);
  const calls = toolCalls.map(toolCallPart);
  return text === '' && calls.length > 0 ? calls : [textPart(text), ...calls];
}

/** Returns the text of a message, one part after the other: calls the way a model writes them, and results of tools. */
export function textOf(parts: readonly MessagePart[]): string {
  let text = '';
  for (const { type, text: said, toolCall, toolResult } of parts) {
    if (type !== 'text' && text !== '') text += '\n';
    if (toolCall !== null)
      text += writeToolCall({ name: toolCall.name, arguments: toolCall.arguments.text ?? '' });
    text += said?.text ?? toolResult?.content.text ?? '';
  }
  return text;
}

/** Returns the role that a model is told: one that this version does not know is taken for a user's. */
export function roleOf<R extends string>(role: R): Exclude<R, 'OTHER'> | 'user' {
  return role === 'OTHER' ? 'user' : (role as Exclude<R, 'OTHER'>);
}
