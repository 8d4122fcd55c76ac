import type { AnswerFormat } from '../../../schemas/generated/types.ts';
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
  const { format } = prompt;
  const goesOn = backend.continues && prompt.prefix !== '';
  return JSON.stringify({
    model: backend.model,
    messages: [
      ...prompt.messages.map(chatMessage),
      ...(goesOn ? [{ role: 'assistant', content: prompt.prefix }] : []),
    ],
    stream: true,
    stream_options: { include_usage: true },
    [backend.maxTokensField]: prompt.maxTokens - (goesOn ? prompt.prefixTokens : 0),
    ...Object.fromEntries(sent),
    ...(format === null ? {} : { response_format: formatOf(format) }),
    ...(goesOn ? { continue_final_message: true, add_generation_prompt: false } : {}),
  });
}

function formatOf({ name, schema }: AnswerFormat): object {
  if (name === '') return { type: 'json_object' };
  return { type: 'json_schema', json_schema: { name, strict: true, schema: JSON.parse(schema) as object } };
}

/** A tool's result needs the id of its call, which a prompt does not carry: it is shown as the user's. */
function chatMessage({ role, text }: PromptMessage): { readonly role: string; readonly content: string } {
  return { role: role === 'tool' ? 'user' : role, content: text };
}
