/** The id of the response that an inference is to OpenAI's clients. Any answer has one, whatever way its message came. */
export function responseIdOf(inferenceId: string): string {
  return `resp_${inferenceId.replace(/^inf_/, '')}`;
}

/** Returns the inference that a response's id names, or null for what is no response's id. */
export function inferenceOfResponse(responseId: string): string | null {
  return responseId.startsWith('resp_') ? `inf_${responseId.slice('resp_'.length)}` : null;
}
