import type { AnswerFormat, ToolCall, ToolUse } from '../../../schemas/generated/types.ts';
import { textOf } from '../../../streams/parts.ts';
import type { Prompt, PromptMessage } from '../../engine.ts';
import type { Backend } from '../../models/model-entry.ts';

/** Most stop strings that every backend takes; more are found here, where all of them are looked for anyway. */
const MAX_STOPS = 4;

/** Writes a prompt as the body of `POST /chat/completions`, for a stream that ends with its token counts. */
export function chatBody(prompt: Prompt, backend: Backend): string {
  const parameters: Readonly<Record<(typeof backend.omit)[number], unknown>> = {
    temperature: prompt.temperature,
    top_p: prompt.topP,
    seed: prompt.seed ?? undefined,
    stop: prompt.stop.length > 0 && prompt.stop.length <= MAX_STOPS ? prompt.stop : undefined,
  };
  const sent = Object.entries(parameters).filter(([name]) => !backend.omit.some((left) => left === name));
  const { format, tools } = prompt;
  const goesOn = backend.continues && prompt.prefix !== '';
  return JSON.stringify({
    model: backend.model,
    messages: [
      ...chatMessages(prompt.messages),
      ...(goesOn ? [{ role: 'assistant', content: prompt.prefix }] : []),
    ],
    stream: true,
    stream_options: { include_usage: true },
    [backend.maxTokensField]: prompt.maxTokens - (goesOn ? prompt.prefixTokens : 0),
    ...Object.fromEntries(sent),
    ...(format === null ? {} : { response_format: formatOf(format) }),
    ...(tools === null ? {} : toolFields(tools)),
    ...(goesOn ? { continue_final_message: true, add_generation_prompt: false } : {}),
  });
}

function formatOf({ name, schema }: AnswerFormat): object {
  if (name === '') return { type: 'json_object' };
  return { type: 'json_schema', json_schema: { name, strict: true, schema: JSON.parse(schema) as object } };
}

function toolFields({ tools, choice, name, parallel }: ToolUse): object {
  return {
    tools: tools.map(({ name: called, description, schema }) => ({
      type: 'function',
      function: { name: called, description, parameters: JSON.parse(schema) as object },
    })),
    tool_choice: choice === 'named' ? { type: 'function', function: { name } } : choice,
    ...(parallel ? {} : { parallel_tool_calls: false }),
  };
}

/** Messages in the words of the API. A result whose call is no part of the prompt is shown as the user's. */
function chatMessages(messages: readonly PromptMessage[]): readonly object[] {
  const called = new Set<string>();
  return messages.flatMap(({ role, text, parts = [] }): object[] => {
    const calls = parts.flatMap(({ toolCall }) => (toolCall === null ? [] : [toolCall]));
    const results = parts.flatMap(({ toolResult }) => (toolResult === null ? [] : [toolResult]));
    for (const { id } of calls) called.add(id);
    if (role === 'assistant' && calls.length > 0) {
      const content = textOf(parts.filter(({ type }) => type === 'text'));
      return [{ role, content: content === '' ? null : content, tool_calls: calls.map(callOf) }];
    }
    if (role !== 'tool' || results.length === 0)
      return [{ role: role === 'tool' ? 'user' : role, content: text }];
    return results.map(({ toolCallId, content }) =>
      called.has(toolCallId)
        ? { role, tool_call_id: toolCallId, content: content.text ?? '' }
        : { role: 'user', content: content.text ?? '' },
    );
  });
}

function callOf({ id, name, arguments: given }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: given.text ?? '' } };
}
