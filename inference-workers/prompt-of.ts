import type { InferenceRequested } from '../schemas/generated/types.ts';
import { roleOf, textOf } from '../streams/parts.ts';
import type { Prompt } from './engine.ts';

/** What of a request an engine is asked. */
type Asked = Pick<InferenceRequested, 'inferenceId' | 'conversationId' | 'messages' | 'parameters'> & {
  readonly route: Pick<InferenceRequested['route'], 'model'>;
};

/** Returns what the engine is asked for a request, to go on after `prefix`, which took `prefixTokens` tokens. */
export function promptOf(request: Asked, prefix: string, prefixTokens: number): Prompt {
  const { maxTokens, temperature, topP, seed, stop, format, tools } = request.parameters;
  return {
    inferenceId: request.inferenceId,
    conversationId: request.conversationId,
    model: request.route.model,
    messages: request.messages.map(({ role, parts }) => ({
      role: roleOf(role),
      text: textOf(parts),
      ...(parts.some(({ type }) => type !== 'text') ? { parts } : {}),
    })),
    ...{ prefix, prefixTokens, maxTokens, temperature, topP, seed, stop, format, tools },
  };
}
