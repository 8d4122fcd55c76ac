import type { ContextEntry, PromptMessage } from '../../schemas/generated/types.ts';
import { textOf } from '../../streams/parts.ts';
import { MESSAGE_OVERHEAD } from './count-tokens.ts';
import { said } from './said.ts';
import type { Turn } from './state.ts';

/** What an answered turn is in the prompts of those that follow it. */
type Exchange = {
  /** The question, then the answer. */
  readonly messages: readonly PromptMessage[];
  /** The same in the manifest, newest first. */
  readonly entries: readonly ContextEntry[];
  readonly tokens: number;
  readonly characters: number;
};

const known = new WeakMap<Turn, Exchange>();

/**
 * Returns the exchange of a turn: the very same as long as the turn is the same, so that a long history costs each turn
 * after it little more than to name it.
 */
export function exchangeOf(turn: Turn): Exchange {
  let exchange = known.get(turn);
  if (exchange === undefined) {
    exchange = makeExchange(turn);
    known.set(turn, exchange);
  }
  return exchange;
}

function makeExchange(turn: Turn): Exchange {
  const { messageId, role, parts, answer, messageTokens, answerTokens } = turn;
  return {
    messages: [{ role, parts }, said(turn)],
    entries: [
      { messageId, kind: 'answer', tokens: answerTokens, decision: 'included' },
      { messageId, kind: 'message', tokens: messageTokens, decision: 'included' },
    ],
    tokens: messageTokens + answerTokens + 2 * MESSAGE_OVERHEAD,
    characters: textOf(parts).length + answer.length,
  };
}
