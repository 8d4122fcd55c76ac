import assert from 'node:assert/strict';
import type OpenAI from 'openai';

/** Two functions that a small model can be made to call. */
export const tools: OpenAI.ChatCompletionTool[] = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Weather of a city.',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string', maxLength: 30 }, unit: { enum: ['celsius', 'fahrenheit'] } },
        required: ['city', 'unit'],
      },
    },
  },
  {
    type: 'function',
    function: {
      name: 'save_notes',
      parameters: {
        type: 'object',
        properties: {
          notes: { type: 'array', items: { type: 'string', maxLength: 60 }, minItems: 8, maxItems: 12 },
        },
      },
    },
  },
];
export function checkWeather(json: string | undefined): void {
  const { city, unit } = JSON.parse(json ?? '') as Record<string, unknown>;
  assert.ok(typeof city === 'string' && ['celsius', 'fahrenheit'].includes(String(unit)), json);
}

export type Call = { readonly id: string; readonly name: string; readonly arguments: string };

/** Puts the calls of a stream together. */
export function callsIn(chunks: readonly OpenAI.ChatCompletionChunk[]): readonly Call[] {
  const calls: Call[] = [];
  for (const piece of chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])) {
    const before = calls[piece.index] ?? { id: '', name: '', arguments: '' };
    calls[piece.index] = {
      id: before.id + (piece.id ?? ''),
      name: before.name + (piece.function?.name ?? ''),
      arguments: before.arguments + (piece.function?.arguments ?? ''),
    };
  }
  return calls;
}
