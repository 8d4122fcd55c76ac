import type { Database } from '../../storage/database.ts';
import { fromRow } from '../columns.ts';
import { turnTable } from './columns.ts';
import type { ConversationRow, StoredPart } from './rows.ts';

/** What one page of a search looks through at most: a reader waits for it, and so does whoever comes after. */
const MOST_CONVERSATIONS = 200;
const MOST_TURNS = 5_000;

/** Looks for words in what was said. */
export interface Search {
  /** How many conversations a page may be chosen from. */
  readonly most: number;
  /**
   * Goes through conversations until `limit` of them hold the words, in title, question or answer, letters of either
   * case. `looked` of them, from the first, need not be looked at again. Sealed text is not found.
   */
  find(
    conversations: readonly ConversationRow[],
    words: string,
    limit: number,
  ): { readonly found: readonly ConversationRow[]; readonly looked: number };
}

export function openSearch(database: Database): Search {
  const turns = database.prepare("SELECT * FROM turn WHERE conversation_id = ? AND status <> 'rejected'");

  function holds({ id, title }: ConversationRow, wanted: string): boolean {
    if (has(title, wanted)) return true;
    return turns.all(id).some((stored) => {
      const { parts, answer } = fromRow(turnTable, stored);
      return has(answer?.text ?? null, wanted) || parts.some((part) => has(textOf(part), wanted));
    });
  }

  return {
    most: MOST_CONVERSATIONS,
    find(conversations, words, limit) {
      const wanted = words.toLowerCase();
      const found: ConversationRow[] = [];
      let looked = 0;
      let read = 0;
      for (const conversation of conversations) {
        if (found.length >= limit || looked >= MOST_CONVERSATIONS || read >= MOST_TURNS) break;
        if (holds(conversation, wanted)) found.push(conversation);
        looked += 1;
        read += conversation.turns;
      }
      return { found, looked };
    },
  };
}

function textOf(part: StoredPart): string | null {
  return part.text?.text ?? null;
}

function has(text: string | null, wanted: string): boolean {
  return text !== null && text.toLowerCase().includes(wanted);
}
