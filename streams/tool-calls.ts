import type { ToolCall } from '../schemas/generated/types.ts';
import { deriveId } from './ids.ts';

/** A call as the text of an answer has it. */
export type WrittenCall = { readonly name: string; readonly arguments: string };

/** What a text says, piece by piece. `index` counts the calls of an answer from 0. */
export type ToolPiece =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'call'; readonly index: number; readonly name: string }
  | { readonly type: 'arguments'; readonly index: number; readonly text: string };

/** Reads a text as it comes. */
export interface ToolReader {
  push(text: string): readonly ToolPiece[];
  /** Returns what was held back. */
  end(): readonly ToolPiece[];
}

export const CALL_OPENS = '<tool_call>';
export const CALL_CLOSES = '</tool_call>';
const HEAD = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\S)/;
/** A head that is longer is none: names have at most 64 characters. */
const LONGEST_HEAD = 500;

/**
 * Writes a call the way it stands in answers and prompts (decision 0026): the words that Hermes, Qwen and others were
 * trained on.
 */
export function writeToolCall({ name, arguments: given }: WrittenCall): string {
  return `${callHead(name)}${given}${CALL_TAIL}`;
}

/** What stands before a call's arguments. */
export function callHead(name: string): string {
  return `${CALL_OPENS}{"name": ${JSON.stringify(name)}, "arguments": `;
}

/** What stands after them. */
export const CALL_TAIL = `}${CALL_CLOSES}`;

/** The same calls have the same ids whoever reads them, and whenever. */
export function toolCallId(inferenceId: string, index: number): string {
  return deriveId('call', inferenceId, index);
}

/** Reads a whole text: what is said beside the calls, and the calls that are whole or were cut in their arguments. */
export function readToolCalls(text: string): {
  readonly text: string;
  readonly calls: readonly WrittenCall[];
} {
  const reader = createToolReader();
  const calls: WrittenCall[] = [];
  let said = '';
  for (const piece of [...reader.push(text), ...reader.end()]) {
    if (piece.type === 'text') said += piece.text;
    if (piece.type === 'call') calls.push({ name: piece.name, arguments: '' });
    if (piece.type === 'arguments') {
      const last = calls.pop();
      if (last !== undefined) calls.push({ ...last, arguments: last.arguments + piece.text });
    }
  }
  return { text: said, calls };
}

/** The same as events have it. */
export function readAnswer(
  inferenceId: string,
  answer: string,
): { readonly text: string; readonly toolCalls: readonly ToolCall[] } {
  const { text, calls } = readToolCalls(answer);
  const toolCalls = calls.map(({ name, arguments: given }, index) => ({
    id: toolCallId(inferenceId, index),
    name,
    arguments: { text: given, sealed: null, keyId: null },
  }));
  return { text, toolCalls };
}

/**
 * Tells calls from text while an answer comes. However the text is cut into pieces, joined they say the same. White space
 * around a call is dropped. What begins like a call and is none is text; a call that was cut has what was there of its
 * arguments.
 */
export function createToolReader(): ToolReader {
  let state: 'text' | 'head' | 'arguments' | 'tail' = 'text';
  let held = '';
  /** White space before a call, until it is one. */
  let gap = '';
  let index = -1;
  let ends = valueEnd();
  let out: ToolPiece[] = [];

  function take(): readonly ToolPiece[] {
    const pieces = out;
    out = [];
    return pieces;
  }
  function say(text: string): void {
    if (text !== '') out.push({ type: 'text', text });
  }

  /** Returns false once there is nothing to do before more comes. */
  function step(): boolean {
    switch (state) {
      case 'text':
        return readText();
      case 'head':
        return readHead();
      case 'arguments':
        return readArguments();
      case 'tail': {
        const at = held.indexOf(CALL_CLOSES);
        if (at < 0) return false;
        [state, held] = ['text', held.slice(at + CALL_CLOSES.length)];
        return true;
      }
    }
  }

  function readText(): boolean {
    const at = held.indexOf(CALL_OPENS);
    if (at >= 0) {
      const said = held.slice(0, at).trimEnd();
      say(said);
      gap = held.slice(said.length, at);
      [state, held] = ['head', held.slice(at + CALL_OPENS.length)];
      return true;
    }
    const keep = heldLength(held);
    say(held.slice(0, held.length - keep));
    held = held.slice(held.length - keep);
    return false;
  }

  function readHead(): boolean {
    const found = HEAD.exec(held);
    const name = found === null ? null : nameOf(found[1]);
    if (found !== null && name !== null) {
      index += 1;
      out.push({ type: 'call', index, name });
      [state, held, ends] = ['arguments', held.slice(found[0].length), valueEnd()];
      return true;
    }
    if (found === null && held.length <= LONGEST_HEAD && !held.includes(CALL_CLOSES)) return false;
    say(gap + CALL_OPENS);
    state = 'text';
    return true;
  }

  function readArguments(): boolean {
    const end = ends(held);
    const text = held.slice(0, end ?? held.length);
    if (text !== '') out.push({ type: 'arguments', index, text });
    if (end === null) {
      held = '';
      return false;
    }
    [state, held] = ['tail', held.slice(end)];
    return true;
  }

  return {
    push(text) {
      held += text;
      while (step());
      return take();
    },
    end() {
      if (state === 'head') say(gap + CALL_OPENS + held);
      // White space after a call says nothing; after a text it is part of it.
      else if (state === 'text' && (index < 0 || held.trim() !== '')) say(held);
      [state, held] = ['text', ''];
      return take();
    },
  };
}

/** The length of what ends a text and may belong to a call: white space, then how a call begins. */
function heldLength(text: string): number {
  let marker = Math.min(CALL_OPENS.length - 1, text.length);
  while (marker > 0 && !text.endsWith(CALL_OPENS.slice(0, marker))) marker -= 1;
  return text.length - text.slice(0, text.length - marker).trimEnd().length;
}

/** Finds where a JSON value ends that is given in pieces: the offset in the piece, or null as long as it goes on. */
function valueEnd(): (piece: string) => number | null {
  let depth = 0;
  let quoted = false;
  let escaped = false;
  return (piece) => {
    for (let at = 0; at < piece.length; at += 1) {
      const character = piece[at];
      if (escaped) escaped = false;
      else if (quoted) {
        if (character === '\\') escaped = true;
        else if (character === '"') quoted = false;
      } else if (character === '"') quoted = true;
      else if (character === '{' || character === '[') depth += 1;
      else if (character === '}' || character === ']') {
        // The brace that closes the call itself ends a value without braces of its own.
        if (depth === 0) return at;
        depth -= 1;
        if (depth === 0) return at + 1;
      }
    }
    return null;
  };
}

function nameOf(json: string | undefined): string | null {
  try {
    const name: unknown = JSON.parse(json ?? '');
    return typeof name === 'string' ? name : null;
  } catch {
    return null;
  }
}
