import { problemBody, type Problem } from '../problems.ts';
import type { End } from '../streams/frames.ts';

/** Names one completion on the wire: the same in every chunk. */
export type CompletionName = {
  readonly inferenceId: string;
  /** Seconds since 1970 at which the call was taken in. */
  readonly created: number;
  /** The model that really answers. */
  readonly model: string;
};

/** Builds the events of a streamed completion, each a whole server-sent event. */
export interface Chunks {
  role(): string;
  content(seq: number, text: string): string;
  /** The last chunk with a choice, the usage if it was asked for, and `[DONE]`. */
  end(seq: number, end: End): string;
}

/** The parts that repeat are built once: a delta costs a few concatenations and the quoting of its text. */
export function chunksOf(
  name: CompletionName,
  options: { readonly includeUsage: boolean; readonly resumable: boolean },
): Chunks {
  const named = nameFields(name, 'chat.completion.chunk');
  const head = `data: {${named},"choices":[{"index":0,"delta":`;
  const usage = options.includeUsage ? ',"usage":null' : '';
  const open = `,"logprobs":null,"finish_reason":null}]${usage}}\n\n`;
  const contentHead = `${head}{"content":`;
  const contentTail = `}${open}`;
  const idLine = (seq: number): string => (options.resumable ? `id: ${seq}\n` : '');
  return {
    role: () => `${head}{"role":"assistant","content":""}${open}`,
    content: (seq, text) => `${idLine(seq)}${contentHead}${JSON.stringify(text)}${contentTail}`,
    end(seq, end) {
      const last = `${idLine(seq)}${head}{},"logprobs":null,"finish_reason":${finishOf(end)}}]${usage}}\n\n`;
      const used = options.includeUsage
        ? `data: {${named},"choices":[],"usage":${JSON.stringify(usageOf(end))}}\n\n`
        : '';
      return `${last}${used}data: [DONE]\n\n`;
    },
  };
}

/** The event that takes the place of the rest where an answer failed: no `[DONE]` follows. */
export function errorChunk(problem: Problem): string {
  return `data: ${problemBody(problem)}\n\n`;
}

/** A completion in one piece. */
export function completionBody(name: CompletionName, text: string, end: End): string {
  const message = JSON.stringify({ role: 'assistant', content: text, refusal: null });
  const choice = `{"index":0,"message":${message},"logprobs":null,"finish_reason":${finishOf(end)}}`;
  const usage = JSON.stringify(usageOf(end));
  return `{${nameFields(name, 'chat.completion')},"choices":[${choice}],"usage":${usage}}`;
}

function nameFields({ inferenceId, created, model }: CompletionName, object: string): string {
  const id = JSON.stringify(`chatcmpl-${inferenceId.replace(/^inf_/, '')}`);
  return `"id":${id},"object":"${object}","created":${created},"model":${JSON.stringify(model)}`;
}

function finishOf({ finishReason }: End): string {
  return finishReason === 'length' || finishReason === 'tool_calls' || finishReason === 'content_filter'
    ? `"${finishReason}"`
    : '"stop"';
}

function usageOf({ promptTokens, completionTokens, cachedTokens }: End): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}
