import type { Parameters, PromptMessage } from '../../schemas/generated/types.ts';
import { answerParts } from '../../streams/parts.ts';

/** What the model said in a turn, as a message of the prompts that follow: its text, and what it called. */
export function said({
  inferenceId,
  answer,
  parameters,
}: {
  readonly inferenceId: string;
  readonly answer: string;
  readonly parameters: Parameters;
}): PromptMessage {
  return { role: 'assistant', parts: answerParts(inferenceId, answer, parameters.tools !== null) };
}
