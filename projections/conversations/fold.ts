import type { LoggedEvent } from '../../streams/event.ts';
import { inferenceIdOf } from '../../streams/ids.ts';
import { evolve } from './evolve.ts';
import { keepRows } from '../kept-rows.ts';
import type { ConversationRow, StoredContent, TurnRow } from './rows.ts';

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
  const conversations = keepRows((id) => base.conversation(id));
  const turns = keepRows((id) => base.turn(id));
  /** Turns that changed, by conversation; a turn that was deleted since is among them. */
  const changedIn = new Map<string, Set<string>>();
  let size = 0;

  /** The turns that an event of a whole conversation is about, under their inference ids. */
  function named(event: LoggedEvent, conversationId: string): ReadonlyMap<string, TurnRow | null> {
    if (event.type === 'ConversationChanged') {
      return new Map(event.data.pins.map(({ messageId }) => entry(inferenceIdOf(messageId), conversationId)));
    }
    if (event.type === 'ConversationErased' || event.type === 'SubjectErased') {
      const all = new Set(base.turnsOf(conversationId).map(({ inferenceId }) => inferenceId));
      for (const id of changedIn.get(conversationId) ?? []) all.add(id);
      return new Map([...all].map((id) => entry(id, conversationId)));
    }
    return new Map();
  }

  function put(inferenceId: string, turn: TurnRow | null): void {
    turns.put(inferenceId, turn);
    if (turn === null) return;
    size += weigh(turn);
    const changed = changedIn.get(turn.conversationId);
    if (changed === undefined) changedIn.set(turn.conversationId, new Set([inferenceId]));
    else changed.add(inferenceId);
  }

  function entry(inferenceId: string, conversationId: string): [string, TurnRow | null] {
    const turn = turns.get(inferenceId);
    return [inferenceId, isElsewhere(turn, conversationId) ? null : turn];
  }

  return {
    apply(event) {
      if (!('conversationId' in event.data)) return;
      const { conversationId } = event.data;
      const conversation = conversations.get(conversationId);
      const target =
        event.type === 'MessageSubmitted' && event.data.targetId !== null
          ? entry(inferenceIdOf(event.data.targetId), conversationId)[1]
          : null;
      if ('inferenceId' in event.data) {
        const { inferenceId } = event.data;
        const turn = turns.get(inferenceId);
        if (isElsewhere(turn, conversationId)) return;
        const next = evolve({ conversation, turn }, event, target);
        if (next.conversation !== conversation) conversations.put(conversationId, next.conversation);
        if (next.turn !== turn) put(inferenceId, next.turn);
        return;
      }
      // Each turn is folded with the conversation as it was; what becomes of that is the same for all.
      const after = [...named(event, conversationId)].map(
        ([id, turn]) => [id, turn, evolve({ conversation, turn }, event, target)] as const,
      );
      const next = (after[0]?.[2] ?? evolve({ conversation, turn: null }, event, target)).conversation;
      if (next !== conversation) conversations.put(conversationId, next);
      for (const [id, turn, row] of after) if (row.turn !== turn) put(id, row.turn);
    },
    changes: { conversations: conversations.changes, turns: turns.changes },
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

function weigh({ parts, preceding, metadata, asked, answer }: TurnRow): number {
  let size = 500 + lengthOf(answer) + lengthOf(asked?.instructions) + (asked?.format?.schema.length ?? 0);
  for (const { schema, description } of asked?.tools?.tools ?? []) size += schema.length + description.length;
  for (const said of [{ parts }, ...preceding])
    for (const { text, toolCall, toolResult } of said.parts)
      size += lengthOf(text ?? toolCall?.arguments ?? toolResult?.content);
  for (const [name, value] of Object.entries(metadata)) size += name.length + value.length;
  return size;
}

function lengthOf(content: StoredContent | null | undefined): number {
  return (content?.text ?? content?.sealed ?? '').length;
}
