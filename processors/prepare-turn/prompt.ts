import { createRedactor } from '../../policies/personal-data/redactor.ts';
import type {
  ContextManifest,
  GuardFinding,
  PersonalKind,
  PromptMessage,
  ToolUse,
} from '../../schemas/generated/types.ts';
import { textPart } from '../../streams/parts.ts';
import { toolPrompt } from '../../streams/tool-prompt.ts';
import { countTokens, MESSAGE_OVERHEAD, TOKEN_COUNTER } from './count-tokens.ts';
import { hashManifest, hashPrompt } from './prompt-hash.ts';
import type { Rules } from './rules.ts';
import type { Conversation, Turn } from './state.ts';
import { chooseHistory, openingOf, toPrompt } from './window.ts';

export type PreparedPrompt = {
  readonly messages: readonly PromptMessage[];
  readonly context: ContextManifest;
  readonly promptHash: string;
  /** What was kept out of it. */
  readonly findings: readonly GuardFinding[];
};

/**
 * Returns the prompt for a turn: the conversation's system prompt, the system messages that its branch was opened
 * with, the turn's own instructions, then as much of what was said before as the budget holds, newest first chosen,
 * then the message. Null if the message does not fit beside the system messages.
 */
export function preparePrompt(conversation: Conversation, turn: Turn, rules: Rules): PreparedPrompt | null {
  const budget = (rules.models.get(turn.route.model)?.contextLength ?? 0) - turn.parameters.maxTokens;
  const { systemPrompt } = conversation.row;
  const { instructions } = turn;
  const systemTokens = tokensOf(systemPrompt);
  const instructionTokens = tokensOf(instructions);
  const opening = openingOf(conversation, turn);
  const openingTokens = opening.reduce((sum, { tokens }) => sum + tokens + MESSAGE_OVERHEAD, 0);
  const toolTokens = tokensOfTools(turn.parameters.tools);
  const least =
    systemTokens + toolTokens + openingTokens + instructionTokens + turn.messageTokens + MESSAGE_OVERHEAD;
  if (least > budget) return null;

  const history = chooseHistory(conversation, turn, { used: least, budget }, rules);
  const { messageId, messageTokens } = turn;
  const included = 'included' as const;
  const entries: ContextManifest['entries'] = [
    ...(systemPrompt === null
      ? []
      : [{ messageId: '', kind: 'system' as const, tokens: systemTokens, decision: included }]),
    ...opening.map(({ tokens }) => ({
      messageId: turn.systemFrom ?? '',
      kind: 'system' as const,
      tokens: tokens + MESSAGE_OVERHEAD,
      decision: included,
    })),
    ...(instructions === null
      ? []
      : [{ messageId, kind: 'system' as const, tokens: instructionTokens, decision: included }]),
    ...(toolTokens === 0
      ? []
      : [{ messageId, kind: 'tools' as const, tokens: toolTokens, decision: included }]),
    ...history.entries,
    { messageId, kind: 'message', tokens: messageTokens, decision: included },
  ];
  const { said, findings } = withoutPersonal(
    [...history.messages, { role: turn.role, parts: turn.parts }],
    turn.redactBeforeModel,
  );
  const messages: PromptMessage[] = [
    ...systemMessage(systemPrompt),
    ...opening.map(toPrompt),
    ...systemMessage(instructions),
    ...said,
  ];
  return {
    messages,
    context: {
      entries,
      budgetTokens: budget,
      promptTokens: history.used,
      tokenCounter: TOKEN_COUNTER,
      hash: hashManifest(entries, budget),
      parentId: turn.parentId,
      precedingHeld: turn.held,
    },
    promptHash: hashPrompt(turn.route.model, messages, turn.parameters),
    findings,
  };
}

/** What people, models and tools say is looked through; what a model is told by its operator is not. */
function withoutPersonal(
  messages: readonly PromptMessage[],
  kinds: readonly PersonalKind[],
): { readonly said: readonly PromptMessage[]; readonly findings: readonly GuardFinding[] } {
  if (kinds.length === 0) return { said: messages, findings: [] };
  const redactor = createRedactor(kinds);
  const said = messages.map((message) => {
    const parts = message.role === 'system' ? message.parts : redactor.parts(message.parts);
    return parts === message.parts ? message : { role: message.role, parts };
  });
  return { said, findings: redactor.findings() };
}

function tokensOf(system: string | null): number {
  return system === null ? 0 : countTokens(system) + MESSAGE_OVERHEAD;
}

function tokensOfTools(use: ToolUse | null): number {
  return use === null ? 0 : countTokens(toolPrompt(use)) + MESSAGE_OVERHEAD;
}

function systemMessage(system: string | null): readonly PromptMessage[] {
  return system === null ? [] : [{ role: 'system', parts: [textPart(system)] }];
}
