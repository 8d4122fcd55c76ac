import type { MessagePart, Parameters, PromptMessage } from '../../schemas/generated/types.ts';
import { sha256 } from '../../streams/ids.ts';
import { said } from './said.ts';

/** Hash of the path that says nothing: above every root. */
const ABOVE_ROOTS = '';
/** Turns without a word between two that say something, on the way from a match up to the parent that was named. */
const MAX_SILENT = 32;

/** What there is to know of a turn: see `state.ts`. */
type Turn = PromptMessage & {
  readonly messageId: string;
  readonly inferenceId: string;
  readonly parameters: Parameters;
  readonly parentId: string | null;
  readonly preceding: readonly PromptMessage[];
  /** Empty as long as there is none. */
  readonly answer: string;
  readonly status: string;
  readonly offset: number;
};

/** Where messages that came with another stand in the conversation. */
export type Held = {
  /** The turn that the first `held` of them lead up to. */
  readonly parentId: string | null;
  readonly held: number;
};

/**
 * Finds what a conversation holds already of a history that came with a message. A turn's path is all that the turns
 * from the root to it add to a prompt: what preceded their messages, the messages, the answers; nothing for a message
 * without an answer. Each path has a rolling hash, so that looking costs what the history costs and not what the
 * conversation does. Nothing is hashed before somebody looks: a conversation whose messages bring no history pays
 * nothing. The answers depend on the turns alone, not on what was asked before.
 */
export class PathIndex {
  /** Turns that have ended and are not in the index yet. */
  #waiting: Turn[] = [];
  readonly #hashes = new Map<string, string>();
  /** The latest turn of each path that adds something to its parent's. */
  readonly #turns = new Map<string, Turn>();

  /** Takes a turn that has ended, once. */
  add(turn: Turn): void {
    this.#waiting.push(turn);
  }

  /**
   * Returns the turn with the longest path that `messages` begin with: role and text equal, whitespace included, however
   * the text was cut into parts. Of equal paths the latest. With `after`, only turns that follow it, whose own path is
   * taken for granted. Turns that still run, or follow one that does, are not found: their answers are unknown.
   */
  find(turns: ReadonlyMap<string, Turn>, messages: readonly PromptMessage[], after: string | null): Held {
    this.#waiting = this.#waiting.filter((turn) => this.#hashOf(turn, turns) === null);
    let best: Held = { parentId: after, held: 0 };
    const first = after === null ? ABOVE_ROOTS : this.#hashes.get(after);
    if (first === undefined || this.#turns.size === 0) return best;
    let hash = first;
    for (const [index, message] of messages.entries()) {
      hash = extend(hash, message);
      const turn = this.#turns.get(hash);
      if (turn === undefined) continue;
      if (after === null || follows(turn, after, turns, index + 1 + MAX_SILENT))
        best = { parentId: turn.messageId, held: index + 1 };
    }
    return best;
  }

  /** Returns the hash of a turn's path, or null as long as something on it has not ended. */
  #hashOf(turn: Turn, turns: ReadonlyMap<string, Turn>): string | null {
    const unknown: Turn[] = [];
    let hash: string | undefined;
    let above: Turn | undefined = turn;
    while (above !== undefined) {
      hash = this.#hashes.get(above.messageId);
      if (hash !== undefined) break;
      if (above.status !== 'ended') return null;
      unknown.push(above);
      above = above.parentId === null ? undefined : turns.get(above.parentId);
    }
    let path = hash ?? ABOVE_ROOTS;
    for (const next of unknown.reverse()) path = this.#enter(next, path);
    return path;
  }

  #enter(turn: Turn, above: string): string {
    const path = addedBy(turn).reduce(extend, above);
    this.#hashes.set(turn.messageId, path);
    const equal = this.#turns.get(path);
    if (path !== above && (equal === undefined || equal.offset < turn.offset)) this.#turns.set(path, turn);
    return path;
  }
}

/** Returns what a turn that ended adds to the prompts of those that follow it. */
function addedBy(turn: Turn): readonly PromptMessage[] {
  const { preceding, role, parts, answer } = turn;
  return answer === '' ? preceding : [...preceding, { role, parts }, said(turn)];
}

function extend(path: string, { role, parts }: PromptMessage): string {
  return sha256(`${path} ${role} ${meaningOf(parts)}`);
}

/** Returns what the parts say in one way: neighbouring texts as one, each piece after its length. */
function meaningOf(parts: readonly MessagePart[]): string {
  let meaning = '';
  let text = '';
  for (const part of parts) {
    const plain = part.type === 'text' ? part.text?.text : null;
    if (typeof plain === 'string') text += plain;
    else {
      const other = otherJson(part);
      meaning += `${text.length}:${text}${other.length}!${other}`;
      text = '';
    }
  }
  return `${meaning}${text.length}:${text}`;
}

/** What is no text, in one way however its fields are ordered. */
function otherJson({ type, toolCall, toolResult, media }: MessagePart): string {
  const call = toolCall === null ? null : [toolCall.id, toolCall.name, toolCall.arguments.text];
  const result = toolResult === null ? null : [toolResult.toolCallId, toolResult.content.text];
  return JSON.stringify([type, call, result, media?.sha256]);
}

function follows(turn: Turn, ancestor: string, turns: ReadonlyMap<string, Turn>, most: number): boolean {
  let above: Turn | undefined = turn;
  for (let steps = 0; steps < most && above !== undefined && above.parentId !== null; steps += 1) {
    if (above.parentId === ancestor) return true;
    above = turns.get(above.parentId);
  }
  return false;
}
