import { createToolReader, readToolCalls, toolCallId, type ToolPiece } from '../../streams/tool-calls.ts';
import type { Answer } from '../http/answer-sink.ts';
import { problemBody, type Problem } from '../problems.ts';
import type { End } from '../streams/frames.ts';

const CHUNK = 'chat.completion.chunk';

/** Names one completion on the wire: the same in every chunk. */
export type CompletionName = {
  readonly inferenceId: string;
  /** Seconds since 1970 at which the call was taken in. */
  readonly created: number;
  /** The model that really answers. */
  readonly model: string;
};

/** Builds the events of one choice of a streamed completion, each a whole server-sent event. */
export interface Chunks {
  role(): string;
  /** What a delta says: for a text one event, beside tools as many as it takes. */
  content(seq: number, text: string): string;
  /** The last chunk of the choice. */
  finish(seq: number, end: End): string;
}

/** The parts that repeat are built once: a delta costs a few concatenations and the quoting of its text. */
export function chunksOf(
  name: CompletionName,
  index: number,
  options: {
    readonly includeUsage: boolean;
    readonly resumable: boolean;
    /** True if the answer may call tools. */
    readonly hasTools: boolean;
    /** Id of the inference that is this choice. */
    readonly answerOf: string;
  },
): Chunks {
  const head = `data: {${nameFields(name, CHUNK)},"choices":[{"index":${index},"delta":`;
  const usage = options.includeUsage ? ',"usage":null' : '';
  const open = `,"logprobs":null,"finish_reason":null}]${usage}}\n\n`;
  const contentHead = `${head}{"content":`;
  const contentTail = `}${open}`;
  const idLine = (seq: number): string => (options.resumable ? `id: ${seq}\n` : '');
  const contentOf = (text: string): string => `${contentHead}${JSON.stringify(text)}${contentTail}`;
  const reader = options.hasTools ? createToolReader() : null;
  const pieceOf = (piece: ToolPiece): string =>
    piece.type === 'text'
      ? contentOf(piece.text)
      : `${head}{"tool_calls":[${JSON.stringify(callDelta(options.answerOf, piece))}]}${open}`;
  return {
    role: () => `${head}{"role":"assistant","content":""}${open}`,
    content(seq, text) {
      if (reader === null) return idLine(seq) + contentOf(text);
      const events = reader.push(text).map(pieceOf);
      const last = events.pop();
      return last === undefined ? '' : events.join('') + idLine(seq) + last;
    },
    finish: (seq, end) =>
      `${(reader?.end() ?? []).map(pieceOf).join('')}${idLine(seq)}${head}{},"logprobs":null,"finish_reason":${finishOf(end)}}]${usage}}\n\n`,
  };
}

/** What follows the last choice: the use of all of them if it was asked for, and `[DONE]`. */
export function lastChunks(name: CompletionName, ends: readonly End[], includeUsage: boolean): string {
  const used = includeUsage
    ? `data: {${nameFields(name, CHUNK)},"choices":[],"usage":${JSON.stringify(usageOf(ends))}}\n\n`
    : '';
  return `${used}data: [DONE]\n\n`;
}

/** The event that takes the place of the rest where an answer failed: no `[DONE]` follows. */
export function errorChunk(problem: Problem): string {
  return `data: ${problemBody(problem)}\n\n`;
}

/** A completion in one piece, of the model that gave the first answer. */
export function completionBody(
  name: CompletionName,
  answers: readonly (Answer & { readonly inferenceId: string })[],
  hasTools: boolean,
): string {
  const choices = answers.map(({ text, end, inferenceId }, index) => {
    const said = hasTools ? saidOf(inferenceId, text) : { content: text };
    const message = JSON.stringify({ role: 'assistant', ...said, refusal: null });
    return `{"index":${index},"message":${message},"logprobs":null,"finish_reason":${finishOf(end)}}`;
  });
  const usage = JSON.stringify(usageOf(answers.map(({ end }) => end)));
  const named = nameFields({ ...name, model: answers[0]?.end.model ?? name.model }, 'chat.completion');
  return `{${named},"choices":[${choices.join(',')}],"usage":${usage}}`;
}

function saidOf(inferenceId: string, answer: string): object {
  const { text, calls } = readToolCalls(answer);
  if (calls.length === 0) return { content: text };
  return {
    content: text === '' ? null : text,
    tool_calls: calls.map((call, index) => ({
      id: toolCallId(inferenceId, index),
      type: 'function',
      function: call,
    })),
  };
}

function callDelta(inferenceId: string, piece: Exclude<ToolPiece, { readonly type: 'text' }>): object {
  const { index } = piece;
  if (piece.type === 'arguments') return { index, function: { arguments: piece.text } };
  const { name } = piece;
  return { index, id: toolCallId(inferenceId, index), type: 'function', function: { name, arguments: '' } };
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

/** Every choice read the prompt for itself: what is told is what is recorded as used. */
function usageOf(ends: readonly End[]): object {
  const sum = (count: (end: End) => number): number => ends.reduce((total, end) => total + count(end), 0);
  const promptTokens = sum((end) => end.promptTokens);
  const completionTokens = sum((end) => end.completionTokens);
  const cachedTokens = sum((end) => end.cachedTokens);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}
