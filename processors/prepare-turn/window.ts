import type { ContextEntry, PromptMessage } from '../../schemas/generated/types.ts';
import { textOf } from '../../streams/parts.ts';
import { MESSAGE_OVERHEAD } from './count-tokens.ts';
import { exchangeOf } from './exchange.ts';
import type { Rules } from './rules.ts';
import type { Conversation, Preceding, Turn } from './state.ts';

/** Turns without an answer that are passed over: what lies behind more of them stays out, so that a turn's cost is bounded. */
const MAX_UNANSWERED = 32;

type Verdict = ContextEntry['decision'];

/** What of the history goes into a prompt, oldest first, and what became of each candidate. */
export type History = {
  readonly messages: readonly PromptMessage[];
  readonly entries: readonly ContextEntry[];
  /** Tokens of the prompt, these included. */
  readonly used: number;
};

/**
 * Chooses history for a turn's prompt, newest first, until the room ends: what came with the message itself, then
 * turn by turn up to the root. A question and its answer go together, in a turn or among what came with one. Whatever
 * is older than the first that has no room stays out for the same reason: one entry, or one question and its answer,
 * says so. Of a turn without an answer only what came with it is history. Turns that are pinned have their room before
 * all others, whatever their age.
 */
export function chooseHistory(
  conversation: Conversation,
  turn: Turn,
  prompt: { readonly used: number; readonly budget: number },
  rules: Rules,
): History {
  const pieces: (readonly PromptMessage[])[] = [];
  const entries: ContextEntry[] = [];
  let { used } = prompt;
  let characters = textOf(turn.parts).length;

  /** True if it fits, and then it has its room. */
  function take(tokens: number, length: number): Verdict {
    if (rules.maxCharacters !== null && characters + length > rules.maxCharacters) return 'over_characters';
    if (used + tokens > prompt.budget) return 'over_budget';
    used += tokens;
    characters += length;
    return 'included';
  }

  /** Gives a pinned turn its room; false if it has none, or nothing to say. */
  function holdPinned(past: Turn): boolean {
    const { tokens, characters: length } = exchangeOf(past);
    const isOut = past.offset < conversation.row.clearedBefore || past.answer === '';
    return !isOut && take(tokens, length) === 'included';
  }

  /** Takes the question and answer of a turn. */
  function takeExchange(past: Turn): Verdict {
    const exchange = exchangeOf(past);
    if (pinned.has(past)) {
      pinned.delete(past);
      pieces.push(exchange.messages);
      for (const entry of exchange.entries) entries.push({ ...entry, decision: 'pinned' });
      return 'included';
    }
    const decision = leftOut(past, turn, conversation, rules) ?? take(exchange.tokens, exchange.characters);
    // Newest first until all are turned round: the answer comes before its message.
    for (const entry of exchange.entries) {
      if (decision === 'included') entries.push(entry);
      else if (decision !== 'unanswered' || entry.kind === 'message') entries.push({ ...entry, decision });
    }
    if (decision === 'included') pieces.push(exchange.messages);
    return decision;
  }

  /** Takes what came with a turn, exchange by exchange; false once something has no room. */
  function takePreceding({ messageId, preceding, systemFrom }: Turn): boolean {
    const first = systemFrom === messageId ? systemRun(preceding) : 0;
    for (let end = preceding.length; end > first;) {
      let start = end - 1;
      while (start > first && isReply(preceding[start])) start -= 1;
      const exchange = preceding.slice(start, end);
      const tokens = exchange.reduce((sum, message) => sum + message.tokens + MESSAGE_OVERHEAD, 0);
      const decision = take(
        tokens,
        exchange.reduce((sum, { parts }) => sum + textOf(parts).length, 0),
      );
      for (const message of exchange.toReversed())
        entries.push({ messageId, kind: 'preceding', tokens: message.tokens, decision });
      if (decision !== 'included') return false;
      pieces.push(exchange.map(toPrompt));
      end = start;
    }
    return true;
  }

  const pinned = new Set(pinnedAbove(conversation, turn).filter(holdPinned));
  let unanswered = 0;
  let hasRoom = takePreceding(turn);
  for (let past = hasRoom ? parentOf(conversation, turn) : null; past !== null && hasRoom;) {
    const decision = takeExchange(past);
    if (decision === 'unanswered') unanswered += 1;
    hasRoom =
      (decision === 'included' || (decision === 'unanswered' && unanswered < MAX_UNANSWERED)) &&
      takePreceding(past);
    past = hasRoom ? parentOf(conversation, past) : null;
  }
  // Newest first, as they were found: what is left of them lies behind all that was taken.
  for (const past of pinned) takeExchange(past);
  return { messages: pieces.reverse().flat(), entries: entries.reverse(), used };
}

/** The system messages that open a turn's branch: what the first message of a root was sent with. */
export function openingOf(conversation: Conversation, turn: Turn): readonly Preceding[] {
  if (turn.systemFrom === null) return [];
  const root = turn.systemFrom === turn.messageId ? turn : conversation.turns.get(turn.systemFrom);
  return root === undefined ? [] : root.preceding.slice(0, systemRun(root.preceding));
}

export function toPrompt({ role, parts }: PromptMessage): PromptMessage {
  return { role, parts };
}

function systemRun(preceding: readonly Preceding[]): number {
  const end = preceding.findIndex(({ role }) => role !== 'system');
  return end < 0 ? preceding.length : end;
}

/** True for what belongs to the message before it. */
function isReply(message: Preceding | undefined): boolean {
  return message?.role === 'assistant' || message?.role === 'tool';
}

function parentOf(conversation: Conversation, turn: Turn): Turn | null {
  return turn.parentId === null ? null : (conversation.turns.get(turn.parentId) ?? null);
}

/** Pinned turns on the way to the root, newest first. Nobody walks where nothing is pinned. */
function pinnedAbove(conversation: Conversation, turn: Turn): readonly Turn[] {
  const wanted = new Set(conversation.row.pins);
  const found: Turn[] = [];
  for (let past = turn; wanted.size > 0;) {
    const above = parentOf(conversation, past);
    if (above === null) break;
    if (wanted.delete(above.messageId)) found.push(above);
    past = above;
  }
  return found;
}

/** Returns why a turn stays out whatever room there is, or null. */
function leftOut(past: Turn, turn: Turn, { row }: Conversation, rules: Rules): Verdict | null {
  if (past.offset < row.clearedBefore) return 'expired';
  if (rules.ttlMillis !== null && turn.submittedAt - past.submittedAt > rules.ttlMillis) return 'expired';
  return past.answer === '' ? 'unanswered' : null;
}
