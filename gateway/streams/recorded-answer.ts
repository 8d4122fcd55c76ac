import type { EventOf } from '../../schemas/generated/types.ts';
import { CACHE_ENGINE } from '../../streams/cache-engine.ts';
import { cutText } from '../../streams/delta-pieces.ts';
import { isTerminal, type TerminalEvent } from '../../streams/effective-end.ts';
import { endProblem, type Problem } from '../problems.ts';
import type { End } from './frames.ts';

/** An answer as the conversation's log keeps it. */
export type RecordedAnswer = {
  readonly text: string;
  /** Seq of the first delta of the text. */
  readonly firstSeq: number;
  /** The end's own seq. */
  readonly nextSeq: number;
  /** UTF-8 bytes of each delta, in order. */
  readonly deltaBytes: readonly number[];
  /** Milliseconds between each delta and the one before. */
  readonly deltaMillis: readonly number[];
  /** How it ended: an end, or what went wrong. */
  readonly end: End | Problem;
};

/** What is still to be shown; `afterMs` after what was shown before it, where that is known. */
type Step =
  | { readonly type: 'delta'; readonly seq: number; readonly text: string; readonly afterMs?: number }
  | { readonly type: 'reset'; readonly seq: number };

/** Steps, and the seq of the end that follows them. */
export type Steps = { readonly steps: readonly Step[]; readonly endSeq: number };

/** Returns the answer that a record of conversations holds; null if it ends no inference. */
export function recordedAnswerOf(event: TerminalEvent | EventOf<'MessageRejected'>): RecordedAnswer {
  if (!isTerminal(event)) {
    return {
      text: '',
      firstSeq: 0,
      nextSeq: 0,
      deltaBytes: [],
      deltaMillis: [],
      end: endProblem(event.data.code, event.data.reason, false),
    };
  }
  const { content, firstSeq, nextSeq, deltaBytes, deltaMillis } = event.data;
  return { text: content.text ?? '', firstSeq, nextSeq, deltaBytes, deltaMillis, end: endOf(event) };
}

function endOf(event: TerminalEvent): End | Problem {
  if (event.type === 'InferenceFailed') {
    const { code, reason, retryable } = event.data;
    return endProblem(code, reason, retryable);
  }
  const { model, engine, promptTokens, completionTokens, cachedTokens } = event.data;
  const isCached = engine === CACHE_ENGINE;
  const counts = { model, promptTokens, completionTokens, cachedTokens, isCached };
  return event.type === 'InferenceCompleted'
    ? { outcome: 'completed', finishReason: event.data.finishReason, ...counts }
    : { outcome: 'cancelled', finishReason: null, ...counts };
}

/**
 * Returns what leads a reader that shows `shown` to the recorded text: nothing, the missing rest, or a reset and the
 * text. The rest comes in the original pieces where they fit what was shown, so that its seqs are those that every
 * other reader sees.
 */
export function stepsToRecord(
  recorded: RecordedAnswer,
  shown: { readonly text: string; readonly nextSeq: number },
): Steps {
  const { text, firstSeq } = recorded;
  if (text === shown.text) return { steps: [], endSeq: shown.nextSeq };
  const pieces = piecesOf(recorded);
  if (text.startsWith(shown.text)) {
    const rest = restOf(pieces, shown);
    if (rest !== null) return { steps: rest, endSeq: recorded.nextSeq };
    if (shown.text !== '' || pieces === null || firstSeq <= shown.nextSeq) {
      return onePiece(text.slice(shown.text.length), shown.nextSeq);
    }
  }
  if (pieces !== null && firstSeq > shown.nextSeq) {
    return { steps: [{ type: 'reset', seq: firstSeq - 1 }, ...pieces], endSeq: recorded.nextSeq };
  }
  return resetTo(text, shown.nextSeq);
}

/** Returns what a reader whose last seq is `cursor` still lacks, told from the record alone. */
export function stepsAfter(recorded: RecordedAnswer, cursor: number): Steps {
  const pieces = piecesOf(recorded);
  // Without the original pieces nobody can tell what the reader has: it gets the whole text again.
  if (pieces === null && cursor >= 0 && cursor < recorded.nextSeq) return resetTo(recorded.text, cursor + 1);
  const { steps, endSeq } = stepsToRecord(recorded, { text: '', nextSeq: 0 });
  return { steps: steps.filter((step) => step.seq > cursor), endSeq: Math.max(endSeq, recorded.nextSeq) };
}

function restOf(
  pieces: readonly Step[] | null,
  shown: { readonly text: string; readonly nextSeq: number },
): readonly Step[] | null {
  if (pieces === null) return null;
  let before = '';
  for (const [index, piece] of pieces.entries()) {
    if (piece.seq === shown.nextSeq && before === shown.text) return pieces.slice(index);
    if (piece.type === 'delta') before += piece.text;
    if (before.length > shown.text.length) return null;
  }
  return null;
}

/** Cuts the text into its deltas; null if the record does not say where they end. */
function piecesOf({
  text,
  firstSeq,
  nextSeq,
  deltaBytes,
  deltaMillis,
}: RecordedAnswer): readonly Step[] | null {
  const pieces = cutText(text, deltaBytes);
  if (pieces === null || firstSeq + pieces.length !== nextSeq) return null;
  return pieces.map((piece, index) => ({
    ...{ type: 'delta', seq: firstSeq + index, text: piece },
    ...waitOf(deltaMillis[index]),
  }));
}

function waitOf(afterMs: number | undefined): { readonly afterMs?: number } {
  return afterMs === undefined ? {} : { afterMs };
}

function onePiece(text: string, seq: number): Steps {
  return { steps: [{ type: 'delta', seq, text }], endSeq: seq + 1 };
}

function resetTo(text: string, seq: number): Steps {
  if (text === '') return { steps: [{ type: 'reset', seq }], endSeq: seq + 1 };
  return {
    steps: [
      { type: 'reset', seq },
      { type: 'delta', seq: seq + 1, text },
    ],
    endSeq: seq + 2,
  };
}
