import type { LoggedEvent } from '../../streams/event.ts';
import { inferenceIdOf } from '../../streams/ids.ts';
import { evolve } from './evolve.ts';
import type { ConversationRow, TurnRow } from './rows.ts';

/** Rows as of some position of the log. */
export interface Rows {
  conversation(id: string): ConversationRow | null;
  turn(inferenceId: string): TurnRow | null;
  turnsOf(conversationId: string): readonly TurnRow[];
}

/** What folding changed: the last state of each row, null where it is deleted. */
export type Changes = {
  readonly conversations: ReadonlyMap<string, ConversationRow | null>;
  readonly turns: ReadonlyMap<string, TurnRow | null>;
};

/** A fold that has begun: rows read once, changed in memory, written once. */
export interface Fold {
  /** Throws what `evolve` throws; then nothing has changed. */
  apply(event: LoggedEvent): void;
  readonly changes: Changes;
  /** Characters of text in the rows changed: a measure of what writing them costs. */
  readonly size: number;
}

/** Begins to fold on top of `base`, which must not change meanwhile. */
export function beginFold(base: Rows): Fold {
  const conversations = new Map<string, ConversationRow | null>();
  const turns = new Map<string, TurnRow | null>();
  const readConversations = new Map<string, ConversationRow | null>();
  const readTurns = new Map<string, TurnRow | null>();
  let size = 0;

  function conversationOf(id: string): ConversationRow | null {
    const changed = conversations.get(id);
    return changed === undefined ? once(readConversations, id, (key) => base.conversation(key)) : changed;
  }

  function turnOf(inferenceId: string): TurnRow | null {
    const changed = turns.get(inferenceId);
    return changed === undefined ? once(readTurns, inferenceId, (key) => base.turn(key)) : changed;
  }

  /** The turns that an event names, under their inference ids. */
  function named(event: LoggedEvent, conversationId: string): ReadonlyMap<string, TurnRow | null> {
    const { data } = event;
    if (event.type === 'ConversationChanged') {
      return new Map(event.data.pins.map(({ messageId }) => entry(inferenceIdOf(messageId), conversationId)));
    }
    if (event.type === 'ConversationErased' || event.type === 'SubjectErased') {
      const all = new Set(base.turnsOf(conversationId).map(({ inferenceId }) => inferenceId));
      for (const [id, turn] of turns) if (turn?.conversationId === conversationId) all.add(id);
      return new Map([...all].map((id) => entry(id, conversationId)));
    }
    return new Map('inferenceId' in data ? [entry(data.inferenceId, conversationId)] : []);
  }

  function entry(inferenceId: string, conversationId: string): [string, TurnRow | null] {
    const turn = turnOf(inferenceId);
    return [inferenceId, isElsewhere(turn, conversationId) ? null : turn];
  }

  return {
    apply(event) {
      if (!('conversationId' in event.data)) return;
      const { conversationId } = event.data;
      if ('inferenceId' in event.data && isElsewhere(turnOf(event.data.inferenceId), conversationId)) return;
      const conversation = conversationOf(conversationId);
      const target =
        event.type === 'MessageSubmitted' && event.data.targetId !== null
          ? entry(inferenceIdOf(event.data.targetId), conversationId)[1]
          : null;
      const before = named(event, conversationId);
      // Each turn is folded with the conversation as it was; what becomes of that is the same for all.
      const after = [...before].map(
        ([id, turn]) => [id, turn, evolve({ conversation, turn }, event, target)] as const,
      );
      const next = (after[0]?.[2] ?? evolve({ conversation, turn: null }, event, target)).conversation;
      if (next !== conversation) conversations.set(conversationId, next);
      for (const [id, turn, row] of after) {
        if (row.turn === turn) continue;
        turns.set(id, row.turn);
        size += row.turn === null ? 0 : weigh(row.turn);
      }
    },
    changes: { conversations, turns },
    get size() {
      return size;
    },
  };
}

/** Folds a whole log, or a partition's, from nothing: what every projection of these events must equal. */
export function foldAll(events: Iterable<LoggedEvent>): Changes {
  const fold = beginFold({ conversation: () => null, turn: () => null, turnsOf: () => [] });
  for (const event of events) fold.apply(event);
  return fold.changes;
}

/** True for a turn of another conversation: none of this one's business. */
function isElsewhere(turn: TurnRow | null, conversationId: string): boolean {
  return turn !== null && turn.conversationId !== conversationId;
}

function once<T>(kept: Map<string, T | null>, key: string, read: (key: string) => T | null): T | null {
  let value = kept.get(key);
  if (value === undefined) {
    value = read(key);
    kept.set(key, value);
  }
  return value;
}

function weigh(turn: TurnRow): number {
  const parts = turn.parts.reduce(
    (sum, part) => sum + (part.text?.text ?? part.text?.sealed ?? '').length,
    0,
  );
  return parts + (turn.answer?.text ?? turn.answer?.sealed ?? '').length + 500;
}
