import type {
  MessagePart,
  MessageSubmitted,
  Outcome,
  Parameters,
  Role,
  Route,
} from '../../schemas/generated/types.ts';

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
  readonly erased: boolean;
};

export type TurnStatus = 'parked' | 'requested' | 'ended';

/** One message and its answer: a node of the conversation's tree. */
export type Turn = {
  readonly messageId: string;
  readonly inferenceId: string;
  readonly parentId: string | null;
  readonly role: Role;
  readonly parts: readonly MessagePart[];
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
};

/** A conversation as decide reads it. Only the shell changes it, by applying a decision's changes. */
export type Conversation = {
  readonly row: ConversationRow;
  readonly turns: ReadonlyMap<string, Turn>;
  /** Message id by inference id. */
  readonly byInference: ReadonlyMap<string, string>;
};

const HEAD_KEY = '';
const TURN_PREFIX = 't:';

/** Returns the turn that a message opens. */
export function openTurn(
  data: MessageSubmitted,
  parentId: string | null,
  parts: readonly MessagePart[],
  tokens: number,
  at: { readonly time: number; readonly offset: number; readonly trace: string | null },
): Turn {
  return {
    messageId: data.eventId,
    inferenceId: data.inferenceId,
    parentId,
    role: data.role,
    parts,
    messageTokens: tokens,
    answer: '',
    answerTokens: 0,
    status: 'parked',
    outcome: null,
    cancelId: null,
    fence: 0,
    principal: data.principal,
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
  };
}

export function conversationToRow(row: ConversationRow): KeyedRow {
  return { group: row.conversationId, key: HEAD_KEY, value: JSON.stringify(row) };
}

export function turnToRow(conversationId: string, turn: Turn): KeyedRow {
  return { group: conversationId, key: TURN_PREFIX + turn.messageId, value: JSON.stringify(turn) };
}

/** Returns the conversation that these rows hold, or null if its head row is missing. */
export function conversationFromRows(rows: readonly KeyedRow[]): Conversation | null {
  let head: ConversationRow | null = null;
  const turns = new Map<string, Turn>();
  const byInference = new Map<string, string>();
  for (const stored of rows) {
    // Written by the two functions above and by nothing else.
    if (stored.key === HEAD_KEY) head = JSON.parse(stored.value) as ConversationRow;
    else {
      const turn = JSON.parse(stored.value) as Turn;
      turns.set(turn.messageId, turn);
      byInference.set(turn.inferenceId, turn.messageId);
    }
  }
  return head === null ? null : { row: head, turns, byInference };
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
