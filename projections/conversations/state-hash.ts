import { hashOf, linesOf } from '../state-hash.ts';
import { conversationTable, turnTable } from './columns.ts';
import type { Changes } from './fold.ts';
import type { ConversationTable } from './table.ts';

/** Returns the state hash of the rows; of a partition's alone if one is named. */
export function stateHash(table: ConversationTable, partition: number | null = null): string {
  return hashOf(table.lines(partition));
}

/** The same over what `foldAll` returned. */
export function foldHash({ conversations, turns }: Changes): string {
  return hashOf([...linesOf(conversationTable, conversations), ...linesOf(turnTable, turns)]);
}
