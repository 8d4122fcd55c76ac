import type { ToolUse } from '../schemas/generated/types.ts';

/**
 * Returns what a model that knows of no tools is told of them: the system message of Hermes' and Qwen's chat templates. A model
 * behind an API is told by its API; the same text says how much room they take there.
 *
 * Source: chat template of Qwen2.5-Instruct (tokenizer_config.json), part "# Tools".
 */
export function toolPrompt({ tools, choice, name, parallel }: ToolUse): string {
  const described = tools.map(({ name: called, description, schema }) =>
    JSON.stringify({
      type: 'function',
      function: { name: called, description, parameters: JSON.parse(schema) as unknown },
    }),
  );
  return [
    '# Tools',
    '',
    'You may call one or more functions to assist with the user query.',
    '',
    'You are provided with function signatures within <tools></tools> XML tags:',
    '<tools>',
    ...described,
    '</tools>',
    '',
    'For each function call, return a JSON object with function name and arguments within <tool_call></tool_call> XML tags:',
    '<tool_call>',
    '{"name": <function-name>, "arguments": <args-json-object>}',
    '</tool_call>',
    ...(parallel ? [] : ['Call at most one function.']),
    ...(choice === 'required' ? ['You must call a function now.'] : []),
    ...(choice === 'named' ? [`You must call the function ${name ?? ''} now.`] : []),
  ].join('\n');
}
