import { z } from 'zod';
import type { PromptMessage, ToolResult } from '../../../schemas/generated/types.ts';
import { plain, textPart, toolCallPart, toolResultPart } from '../../../streams/parts.ts';
import { toolName } from '../tools.ts';

const ROLES = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' } as const;
const roles = ['system', 'developer', 'user', 'assistant'] as const;
const types = ['message', 'function_call', 'function_call_output'] as const;

export const text = z.string().max(1_000_000);
const part = z.looseObject({ type: z.enum(['input_text', 'output_text', 'text']), text });
const content = z
  .union([text, z.array(part).min(1)], {
    error:
      'must be a text or an array of input_text and output_text parts; images, audio and files are not taken here',
  })
  .describe('A text, or an array of {"type": "input_text" or "output_text", "text": …}.');

const callId = z.string().min(1).max(256);
const item = z.looseObject({
  type: z.enum(types, { error: `must be one of ${types.join(', ')}: nothing else is taken here` }).optional(),
  role: z.enum(roles, { error: `must be one of ${roles.join(', ')}` }).optional(),
  content: content.optional(),
  call_id: callId.optional(),
  name: toolName.optional(),
  arguments: text.optional(),
  output: content.optional(),
});
export type Item = z.output<typeof item>;

/** Fields that an item of each type has. */
const NEEDED: Readonly<Record<(typeof types)[number], readonly (keyof Item)[]>> = {
  message: ['role', 'content'],
  function_call: ['call_id', 'name', 'arguments'],
  function_call_output: ['call_id', 'output'],
};

export const items = z
  .array(item)
  .min(1)
  .superRefine((list, context) => {
    for (const [index, given] of list.entries()) {
      const [field, message] = problemOf(given, index === list.length - 1) ?? [];
      if (field === undefined || message === undefined) continue;
      context.addIssue({ code: 'custom', path: [index, field], message });
    }
  });

/** What an input says: what preceded, and what is to be answered, a text or what tools answered. */
export type Said = {
  readonly preceding: readonly PromptMessage[];
  readonly text: string | undefined;
  readonly toolResults: readonly ToolResult[];
};

export function saidIn(list: readonly Item[]): Said {
  const outputs = list.slice(list.findLastIndex(({ type }) => type !== 'function_call_output') + 1);
  const last = outputs.length === 0 ? list.at(-1) : undefined;
  return {
    preceding: joined(list.slice(0, -Math.max(1, outputs.length))),
    text: last === undefined ? undefined : textOfContent(last.content),
    toolResults: outputs.map(resultOf),
  };
}

/** Returns where an output lies that answers no call of the input; -1 for nowhere. */
export function strayOutput(list: readonly Item[]): number {
  return list.findIndex(
    ({ type, call_id: id }, index) =>
      type === 'function_call_output' &&
      !list.slice(0, index).some((before) => before.type === 'function_call' && before.call_id === id),
  );
}

function problemOf(given: Item, isLast: boolean): readonly [string, string] | null {
  const { type = 'message', role, content: words } = given;
  const missing = NEEDED[type].find((field) => given[field] === undefined);
  if (missing !== undefined) return [missing, `is missing: an item of type ${type} has one`];
  if (!isLast || type === 'function_call_output') return null;
  if (type === 'function_call') return ['type', 'the last item must say what the function answered'];
  if (role !== 'user') return ['role', 'the last message must be of the user'];
  return textOfContent(words) === '' ? ['content', 'there is nothing to answer'] : null;
}

/** What an assistant says and calls is one message, as the log has it; so are results that follow each other. */
function joined(list: readonly Item[]): readonly PromptMessage[] {
  const said: PromptMessage[] = [];
  for (const given of list) {
    const { type = 'message' } = given;
    const message = messageOf(given);
    const before = said.at(-1);
    if (type !== 'message' && before?.role === message.role)
      said.splice(-1, 1, { role: message.role, parts: [...before.parts, ...message.parts] });
    else said.push(message);
  }
  return said;
}

function messageOf(given: Item): PromptMessage {
  const { type, role = 'user', content: words, call_id: id = '', name = '', arguments: json = '' } = given;
  if (type === 'function_call')
    return { role: 'assistant', parts: [toolCallPart({ id, name, arguments: plain(json) })] };
  if (type === 'function_call_output') return { role: 'tool', parts: [toolResultPart(resultOf(given))] };
  return { role: ROLES[role], parts: [textPart(textOfContent(words))] };
}

function resultOf({ call_id: id = '', output }: Item): ToolResult {
  return { toolCallId: id, content: plain(textOfContent(output)), isError: false };
}

function textOfContent(said: Item['content']): string {
  return typeof said === 'string' ? said : (said ?? []).map((piece) => piece.text).join('');
}
