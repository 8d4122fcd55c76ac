import type {
  MessagePart,
  MessageSubmitted,
  Outcome,
  Parameters,
  PersonalKind,
  PromptMessage,
  Role,
  Route,
} from '../../schemas/generated/types.ts';
import { PathIndex } from './paths.ts';

/** A row as the store keeps it: those of one conversation are one group. */
export type KeyedRow = { readonly group: string; readonly key: string; readonly value: string };

/** What prepare-turn keeps of a conversation besides its turns. */
export type ConversationRow = {
  readonly conversationId: string;
  readonly tenantId: string;
  /** Message id of the newest turn; messages without a parent follow it. */
  readonly head: string | null;
  /** Message ids that wait for their parent's answer, oldest first. */
  readonly parked: readonly string[];
  readonly systemPrompt: string | null;
  /** Offset: turns whose message lies before it stay out of prompts. Records of one batch share their time. */
  readonly clearedBefore: number;
  /** Message ids of turns that stay in prompts while older ones have no room. */
  readonly pins: readonly string[];
  readonly erased: boolean;
};

export type TurnStatus = 'parked' | 'requested' | 'ended';

/** A message that came with a turn's own, and its tokens by the counter of the manifest. */
export type Preceding = PromptMessage & { readonly tokens: number };

/** One message and its answer: a node of the conversation's tree. */
export type Turn = {
  readonly messageId: string;
  readonly inferenceId: string;
  readonly parentId: string | null;
  readonly role: Role;
  readonly parts: readonly MessagePart[];
  /** What was said between the parent and the message by those who sent it, oldest first. */
  readonly preceding: readonly Preceding[];
  /** How many more messages they sent along, which the conversation held already. */
  readonly held: number;
  /** Message id of the root, if what preceded it begins with system messages: those stand first in every prompt below. */
  readonly systemFrom: string | null;
  /** A system message for this turn's own prompt; no later one has it. */
  readonly instructions: string | null;
  /** Tokens of the message and of its answer, by the counter of the manifest. */
  readonly messageTokens: number;
  readonly answer: string;
  readonly answerTokens: number;
  readonly status: TurnStatus;
  readonly outcome: Outcome | null;
  /** Event id of the CancelRequested that stops it before a worker has it. */
  readonly cancelId: string | null;
  /** Highest attempt that a taker announced on the conversation's log. */
  readonly fence: number;
  readonly principal: string;
  /** Id of the API key that was used; null for none. */
  readonly keyId: string | null;
  readonly transport: string;
  readonly parameters: Parameters;
  readonly route: Route;
  readonly replyPartition: number;
  readonly deltasFrom: number;
  readonly configVersion: string;
  readonly bodyFingerprint: string;
  readonly promptHash: string;
  readonly submittedAt: number;
  readonly offset: number;
  readonly trace: string | null;
  /** What is kept out of its prompt. */
  readonly redactBeforeModel: readonly PersonalKind[];
};

/** A conversation as decide reads it. Only the shell changes it, by applying a decision's changes. */
export type Conversation = {
  readonly row: ConversationRow;
  readonly turns: ReadonlyMap<string, Turn>;
  /** Message id by inference id. */
  readonly byInference: ReadonlyMap<string, string>;
  /** Knows every turn that has ended. */
  readonly paths: PathIndex;
};

/** Where in the tree a message goes, and what it says there. */
export type Place = Pick<
  Turn,
  'parentId' | 'role' | 'parts' | 'preceding' | 'held' | 'systemFrom' | 'instructions'
>;

/** A message that came alone, to a conversation without system messages. */
const NOTHING_PRECEDES: Pick<Turn, 'preceding' | 'held' | 'systemFrom' | 'instructions'> = {
  preceding: [],
  held: 0,
  systemFrom: null,
  instructions: null,
};

const LATE_PARAMETERS: Pick<Parameters, 'cacheSeconds' | 'locale' | 'format' | 'tools'> = {
  cacheSeconds: 0,
  locale: null,
  format: null,
  tools: null,
};
/** Of rows that earlier versions wrote. */
const NO_PINS: Pick<ConversationRow, 'pins'> = { pins: [] };
const NO_FALLBACKS: Pick<Route, 'fallbacks'> = { fallbacks: [] };

/** Key of the conversation's own row, beside those of its turns. */
export const headKey = '';

export function turnKey(messageId: string): string {
  return `t:${messageId}`;
}

/** Returns the turn that a message opens. */
export function openTurn(
  data: MessageSubmitted,
  { parentId, role, parts, preceding, held, systemFrom, instructions }: Place,
  tokens: number,
  at: { readonly time: number; readonly offset: number; readonly trace: string | null },
): Turn {
  return {
    messageId: data.eventId,
    inferenceId: data.inferenceId,
    parentId,
    role,
    parts,
    preceding,
    held,
    systemFrom,
    instructions,
    messageTokens: tokens,
    answer: '',
    answerTokens: 0,
    status: 'parked',
    outcome: null,
    cancelId: null,
    fence: 0,
    principal: data.principal,
    keyId: data.keyId,
    transport: data.transport,
    parameters: data.parameters,
    route: data.route,
    replyPartition: data.replyPartition,
    deltasFrom: data.deltasFrom,
    configVersion: data.configVersion,
    bodyFingerprint: data.bodyFingerprint,
    promptHash: '',
    submittedAt: at.time,
    offset: at.offset,
    trace: at.trace,
    redactBeforeModel: data.redactBeforeModel,
  };
}

export function conversationToRow(row: ConversationRow): KeyedRow {
  return { group: row.conversationId, key: headKey, value: JSON.stringify(row) };
}

export function turnToRow(conversationId: string, turn: Turn): KeyedRow {
  return { group: conversationId, key: turnKey(turn.messageId), value: JSON.stringify(turn) };
}

/** Returns the conversation that these rows hold, or null if its head row is missing. */
export function conversationFromRows(rows: readonly KeyedRow[]): Conversation | null {
  let head: ConversationRow | null = null;
  const turns = new Map<string, Turn>();
  const byInference = new Map<string, string>();
  const paths = new PathIndex();
  for (const stored of rows) {
    // Written by the two functions above and by nothing else.
    if (stored.key === headKey) head = { ...NO_PINS, ...(JSON.parse(stored.value) as ConversationRow) };
    else {
      const turn = turnFromRow(stored.value);
      turns.set(turn.messageId, turn);
      byInference.set(turn.inferenceId, turn.messageId);
      if (turn.status === 'ended') paths.add(turn);
    }
  }
  return head === null ? null : { row: head, turns, byInference, paths };
}

/** Rows of earlier versions say nothing of what preceded a message, of instructions, a key, fallbacks, a cache, a language, a format, tools or what is kept out: there was none. */
function turnFromRow(value: string): Turn {
  // Written by turnToRow and by nothing else.
  const row = JSON.parse(value) as Omit<Turn, keyof typeof NOTHING_PRECEDES | 'keyId' | 'redactBeforeModel'> &
    Partial<Turn>;
  return {
    ...{ ...NOTHING_PRECEDES, keyId: null, redactBeforeModel: [], ...row },
    parameters: { ...LATE_PARAMETERS, ...row.parameters },
    route: { ...NO_FALLBACKS, ...row.route },
  };
}

/**
 * Returns the nearest turn, from `messageId` up to the root, that has not ended. What was asked for once had nothing
 * open above it, so the walk stops there.
 */
export function nearestOpen(turns: ReadonlyMap<string, Turn>, messageId: string | null): Turn | null {
  let turn = messageId === null ? undefined : turns.get(messageId);
  while (turn !== undefined && turn.status === 'ended' && turn.promptHash === '') {
    turn = turn.parentId === null ? undefined : turns.get(turn.parentId);
  }
  return turn === undefined || turn.status === 'ended' ? null : turn;
}
