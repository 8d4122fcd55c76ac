import type {
  ContextEntry,
  ContextManifest,
  Parameters,
  PromptMessage,
} from '../../schemas/generated/types.ts';
import { sha256 } from '../../streams/ids.ts';
import { textOf, textPart } from '../../streams/parts.ts';
import type { Rules } from './rules.ts';
import type { Conversation, Turn } from './state.ts';

/** Turns without an answer that are passed over: what lies behind more of them stays out, so that a turn's cost is bounded. */
const MAX_UNANSWERED = 32;
/** Named in every manifest: a prompt can only be rebuilt with the counter that sized it. */
export const TOKEN_COUNTER = 'utf8-bytes/3';
/** Tokens that a chat template spends on each message, rounded up. */
const MESSAGE_OVERHEAD = 8;

export type PreparedPrompt = {
  readonly messages: readonly PromptMessage[];
  readonly context: ContextManifest;
  readonly promptHash: string;
};

/**
 * Returns an upper estimate of a text's tokens: byte-pair vocabularies of current models average 3.5 to 4.5 bytes a
 * token on English prose, and at worst one byte a token on text they never saw.
 */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text, 'utf8') / 3);
}

/**
 * Returns the prompt for a turn: the system prompt, then as much of the path to the root as the budget holds, newest
 * turns first chosen, then the message. Null if the message alone does not fit.
 */
export function preparePrompt(conversation: Conversation, turn: Turn, rules: Rules): PreparedPrompt | null {
  const limits = rules.models.get(turn.route.model);
  const budget = (limits?.contextLength ?? 0) - turn.parameters.maxTokens;
  const { systemPrompt } = conversation.row;
  const systemTokens = systemPrompt === null ? 0 : countTokens(systemPrompt) + MESSAGE_OVERHEAD;
  let used = systemTokens + turn.messageTokens + MESSAGE_OVERHEAD;
  if (used > budget) return null;

  const history: PromptMessage[][] = [];
  const entries: ContextEntry[] = [];
  let characters = textOf(turn.parts).length;
  let unanswered = 0;
  for (let past = parentOf(conversation, turn); past !== null; past = parentOf(conversation, past)) {
    const tokens = past.messageTokens + past.answerTokens + 2 * MESSAGE_OVERHEAD;
    const longer = characters + textOf(past.parts).length + past.answer.length;
    const sums = { used: used + tokens, budget, characters: longer, time: turn.submittedAt };
    const decision = decideOn(past, sums, conversation, rules);
    // Newest first until all are turned round: the answer comes before its message.
    if (decision !== 'unanswered') {
      entries.push({ messageId: past.messageId, kind: 'answer', tokens: past.answerTokens, decision });
    }
    entries.push({ messageId: past.messageId, kind: 'message', tokens: past.messageTokens, decision });
    if (decision === 'unanswered') {
      unanswered += 1;
      if (unanswered < MAX_UNANSWERED) continue;
    }
    // Whatever is older is left out for the same reason: one entry says so.
    if (decision !== 'included') break;
    used += tokens;
    characters = longer;
    history.push([
      { role: past.role, parts: past.parts },
      { role: 'assistant', parts: [textPart(past.answer)] },
    ]);
  }
  if (systemPrompt !== null) {
    entries.push({ messageId: '', kind: 'system', tokens: systemTokens, decision: 'included' });
  }
  entries.reverse();
  entries.push({
    messageId: turn.messageId,
    kind: 'message',
    tokens: turn.messageTokens,
    decision: 'included',
  });

  const messages: PromptMessage[] = [
    ...(systemPrompt === null ? [] : [{ role: 'system' as const, parts: [textPart(systemPrompt)] }]),
    ...history.reverse().flat(),
    { role: turn.role, parts: turn.parts },
  ];
  return {
    messages,
    context: {
      entries,
      budgetTokens: budget,
      promptTokens: used,
      tokenCounter: TOKEN_COUNTER,
      hash: sha256(JSON.stringify([entries, budget, TOKEN_COUNTER])),
    },
    promptHash: hashPrompt(turn.route.model, messages, turn.parameters),
  };
}

/** SHA-256 over what the model is asked: model, messages and parameters, as JSON in the schema's field order. */
export function hashPrompt(
  model: string,
  messages: readonly PromptMessage[],
  parameters: Parameters,
): string {
  const { maxTokens, temperature, topP, seed, stop } = parameters;
  const plain = messages.map(({ role, parts }) => [
    role,
    parts.map(({ type, text, toolCall, toolResult, media }) => [
      type,
      text?.text,
      toolCall,
      toolResult,
      media,
    ]),
  ]);
  return sha256(JSON.stringify([model, plain, [maxTokens, temperature, topP, seed, stop]]));
}

function parentOf(conversation: Conversation, turn: Turn): Turn | null {
  return turn.parentId === null ? null : (conversation.turns.get(turn.parentId) ?? null);
}

function decideOn(
  past: Turn,
  sums: {
    readonly used: number;
    readonly budget: number;
    readonly characters: number;
    readonly time: number;
  },
  conversation: Conversation,
  rules: Rules,
): ContextEntry['decision'] {
  if (past.offset < conversation.row.clearedBefore) return 'expired';
  if (rules.ttlMillis !== null && sums.time - past.submittedAt > rules.ttlMillis) return 'expired';
  if (past.answer === '') return 'unanswered';
  if (rules.maxCharacters !== null && sums.characters > rules.maxCharacters) return 'over_characters';
  return sums.used > sums.budget ? 'over_budget' : 'included';
}
