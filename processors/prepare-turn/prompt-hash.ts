import type { ContextEntry, Parameters, PromptMessage, ToolUse } from '../../schemas/generated/types.ts';
import { sha256 } from '../../streams/ids.ts';
import { TOKEN_COUNTER } from './count-tokens.ts';

/**
 * SHA-256 over what the model is asked: model, messages and parameters, as JSON in the schema's field order. A format
 * and tools count only where there are any: prompts of before have the hash that they had.
 */
export function hashPrompt(
  model: string,
  messages: readonly PromptMessage[],
  parameters: Parameters,
): string {
  const { maxTokens, temperature, topP, seed, stop, format, tools } = parameters;
  const late = [
    ...(format === null ? [] : [[format.name, format.schema]]),
    ...(tools === null ? [] : [toolsJson(tools)]),
  ];
  const asked = JSON.stringify([maxTokens, temperature, topP, seed, stop, ...late]);
  return sha256(`[${JSON.stringify(model)},[${messages.map(messageJson).join(',')}],${asked}]`);
}

/** SHA-256 over a manifest: entries, budget and token counter, as JSON. */
export function hashManifest(entries: readonly ContextEntry[], budget: number): string {
  return sha256(
    `[[${entries.map(entryJson).join(',')}],${JSON.stringify(budget)},${JSON.stringify(TOKEN_COUNTER)}]`,
  );
}

function toolsJson({ tools, choice, name, parallel }: ToolUse): readonly unknown[] {
  return [tools.map((tool) => [tool.name, tool.description, tool.schema]), choice, name, parallel];
}

const messageJson = remember(({ role, parts }: PromptMessage) =>
  JSON.stringify([
    role,
    parts.map(({ type, text, toolCall, toolResult, media }) => [
      type,
      text?.text,
      toolCall,
      toolResult,
      media,
    ]),
  ]),
);

const entryJson = remember((entry: ContextEntry) => JSON.stringify(entry));

/** History is written as JSON once, not once for each prompt that it is in. */
function remember<T extends object>(write: (value: T) => string): (value: T) => string {
  const written = new WeakMap<T, string>();
  return (value) => {
    let json = written.get(value);
    if (json === undefined) {
      json = write(value);
      written.set(value, json);
    }
    return json;
  };
}
